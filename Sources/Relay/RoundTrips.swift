public import Basics

/// The round-trip times of a series: exact samples up to ``Limits/exactRoundTrips``, and past it their distribution, in
/// which a percentile is at most 0.4 % off. The rest is exact whatever their number.
public struct RoundTrips: Equatable, Sendable {
  /// How many there are.
  public private(set) var count = 0
  /// The shortest; nil where there is none.
  public private(set) var min: Nanoseconds?
  /// The longest; nil where there is none.
  public private(set) var max: Nanoseconds?
  /// In nanoseconds, as they came; empty once there are too many.
  private var samples: [Int64] = []
  /// By ``bucket(of:)``; empty until there are too many samples.
  private var buckets: [UInt64] = []
  private var runningMean = 0.0
  /// The sum of squared distances from the mean (Welford's method, which loses no digits to large sums).
  private var squares = 0.0
  private var steps = 0
  private var stepSum: Int64 = 0

  /// No round trips yet.
  public init() {}

  /// Adds one.
  public mutating func add(_ span: Nanoseconds) {
    let value = Swift.max(0, span.count)
    count += 1
    min = Swift.min(min ?? span, span)
    max = Swift.max(max ?? span, span)
    let distance = Double(value) - runningMean
    runningMean += distance / Double(count)
    squares += distance * (Double(value) - runningMean)
    if count <= Limits.exactRoundTrips { return samples.append(value) }
    if buckets.isEmpty { beginBuckets() }
    buckets[Self.bucket(of: value)] += 1
  }

  /// Adds the difference between the round trips of two consecutive datagrams.
  public mutating func addStep(_ first: Nanoseconds, _ second: Nanoseconds) {
    steps += 1
    stepSum += abs(first.count - second.count)
  }

  /// The mean; nil where there is nothing to compute it from, as with all of these.
  public var mean: Nanoseconds? { count == 0 ? nil : Nanoseconds(Int64(runningMean.rounded())) }

  /// The standard deviation of exactly these, not of what they may be a sample of: divided by their number.
  public var standardDeviation: Nanoseconds? {
    count == 0 ? nil : Nanoseconds(Int64((squares / Double(count)).squareRoot().rounded()))
  }

  /// The mean difference between consecutive datagrams, whichever way it goes.
  public var jitter: Nanoseconds? {
    steps == 0 ? nil : Nanoseconds(Int64((Double(stepSum) / Double(steps)).rounded()))
  }

  /// Percentiles by the nearest rank: the least that at least so many percent are not above.
  ///
  /// - Parameter percents: each from 1 to 100.
  public func percentiles(_ percents: [Int]) -> [Nanoseconds?] {
    guard count > 0 else { return percents.map { _ in nil } }
    let ranks = percents.map { ($0 * count + 99) / 100 }
    if buckets.isEmpty {
      let sorted = samples.sorted()
      return ranks.map { Nanoseconds(sorted[$0 - 1]) }
    }
    return ranks.map(inBuckets)
  }
}

// MARK: - Buckets

extension RoundTrips {
  /// Bits of a bucket's bounds: 128 buckets from each power of two to the next, as HdrHistogram has them.
  private static let precision = 8

  private mutating func beginBuckets() {
    buckets = [UInt64](repeating: 0, count: Self.bucket(of: .max) + 1)
    for sample in samples { buckets[Self.bucket(of: sample)] += 1 }
    samples = []
  }

  private static func bucket(of value: Int64) -> Int {
    let shift = Swift.max(0, Int64.bitWidth - value.leadingZeroBitCount - precision)
    return shift << (precision - 1) + Int(value >> shift)
  }

  /// The middle of the bucket that holds a rank, but nothing beyond what was measured.
  private func inBuckets(_ rank: Int) -> Nanoseconds {
    if rank == count { return max! }
    var seen = 0
    let index = buckets.firstIndex { count in
      seen += Int(count)
      return seen >= rank
    }!  // All ranks are within the count.
    let half = 1 << (Self.precision - 1)
    let shift = Swift.max(0, index / half - 1)
    let lower = Int64(index - shift * half) << shift
    let middle = Nanoseconds(lower + (Int64(1) << shift) / 2)
    return Swift.min(Swift.max(middle, min!), max!)
  }
}
