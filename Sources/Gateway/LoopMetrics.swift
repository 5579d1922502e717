import Basics
import Relay

/// What one loop counts of exchanges and requests. Its lock is taken by others only when somebody asks for the metrics.
final class LoopMetrics: Sendable {
  /// What has been counted, of one loop or of all.
  struct Counts {
    /// By target's index (see ``TargetTable``) and outcome.
    var exchanges = Tally<ExchangeKey>()
    /// By target's index; of those alone that have been heard of.
    var roundTrips: [Histogram] = []
    var requests = Tally<RequestKey>()
    var probes: [ProbeKey: Int] = [:]

    /// The round trips of a target.
    func roundTrips(of target: Int) -> Histogram {
      target < roundTrips.count ? roundTrips[target] : Histogram()
    }

    fileprivate mutating func count(_ outcome: ExchangeOutcome, target: Int, roundTrip: Nanoseconds?) {
      exchanges.count(ExchangeKey(target: target, outcome: outcome))
      if let roundTrip { record(roundTrip, of: target) }
    }

    private mutating func record(_ roundTrip: Nanoseconds, of target: Int) {
      while roundTrips.count <= target { roundTrips.append(Histogram()) }
      roundTrips[target].record(roundTrip)
    }
  }

  /// How often each key was counted. The same key again and again, as under load, is looked up once.
  struct Tally<Key: Hashable & Sendable>: Sendable {
    private var counts: [Key: Int] = [:]
    private var latest: (key: Key, count: Int)?

    mutating func count(_ key: Key, times: Int = 1) {
      if latest?.key == key { return latest!.count += times }
      if let latest { counts[latest.key, default: 0] += latest.count }
      latest = (key, times)
    }

    /// What was counted of each key.
    var all: [Key: Int] {
      var all = counts
      if let latest { all[latest.key, default: 0] += latest.count }
      return all
    }

    /// What was counted of one.
    subscript(key: Key) -> Int { (counts[key] ?? 0) + (latest?.key == key ? latest!.count : 0) }
  }

  struct ExchangeKey: Hashable, Sendable {
    var target: Int
    var outcome: ExchangeOutcome
  }

  struct RequestKey: Hashable, Sendable {
    var route: Router.Label
    /// By its place in ``GatewayLoop/countedMethods``; nil for any other.
    var method: Int?
    var status: Int
  }

  struct ProbeKey: Hashable {
    var target: Int
    var fate: ProbeLine.Fate
  }

  private let counts = Locked(Counts())

  func count(_ outcome: ExchangeOutcome, target: Int, roundTrip: Nanoseconds?) {
    counts.withLock { $0.count(outcome, target: target, roundTrip: roundTrip) }
  }

  /// Counts a reply and the request that it answers: as frequent as anything is, and under one lock.
  func count(replyOf target: Int, roundTrip: Nanoseconds, to request: RequestKey) {
    counts.withLock { counts in
      counts.count(.reply, target: target, roundTrip: roundTrip)
      counts.requests.count(request)
    }
  }

  func count(_ request: RequestKey) {
    counts.withLock { $0.requests.count(request) }
  }

  /// Counts what became of the datagrams of a series that is over.
  func count(_ series: ProbeSummary, target: Int) {
    counts.withLock { counts in
      for (fate, count) in series.fates where count > 0 {
        counts.probes[ProbeKey(target: target, fate: fate), default: 0] += count
      }
    }
  }

  /// What all loops have counted.
  static func sum(_ loops: [LoopMetrics]) -> Counts {
    loops.reduce(into: Counts()) { sum, loop in
      let counts = loop.counts.withLock { $0 }
      for (key, count) in counts.exchanges.all { sum.exchanges.count(key, times: count) }
      for (key, count) in counts.requests.all { sum.requests.count(key, times: count) }
      sum.probes.merge(counts.probes, uniquingKeysWith: +)
      let targets = max(sum.roundTrips.count, counts.roundTrips.count)
      sum.roundTrips = (0..<targets).map { sum.roundTrips(of: $0) + counts.roundTrips(of: $0) }
    }
  }
}

/// Round-trip times in the buckets of `yodel_exchange_rtt_seconds`.
struct Histogram: Equatable {
  /// Upper bounds from 50 µs to 10 s in steps of 1, 2.5, 5, in nanoseconds and as Prometheus writes them.
  static let bounds: [(nanoseconds: Int64, label: String)] = [
    (50_000, "5e-05"), (100_000, "0.0001"), (250_000, "0.00025"), (500_000, "0.0005"), (1_000_000, "0.001"),
    (2_500_000, "0.0025"), (5_000_000, "0.005"), (10_000_000, "0.01"), (25_000_000, "0.025"), (50_000_000, "0.05"),
    (100_000_000, "0.1"), (250_000_000, "0.25"), (500_000_000, "0.5"), (1_000_000_000, "1"), (2_500_000_000, "2.5"),
    (5_000_000_000, "5"), (10_000_000_000, "10"),
  ]

  /// How many fell into each bucket alone; the last is what is above every bound.
  private(set) var counts = [Int](repeating: 0, count: bounds.count + 1)
  private(set) var sum: Int64 = 0

  mutating func record(_ span: Nanoseconds) {
    let bucket = Self.bounds.firstIndex { span.count <= $0.nanoseconds } ?? Self.bounds.count
    counts[bucket] += 1
    sum += span.count
  }

  static func + (left: Histogram, right: Histogram) -> Histogram {
    var total = left
    for index in total.counts.indices { total.counts[index] += right.counts[index] }
    total.sum += right.sum
    return total
  }
}
