import Basics
import Relay

/// What one loop counts of exchanges and requests. Its lock is taken by others only when somebody asks for the metrics.
final class LoopMetrics: Sendable {
  /// What has been counted, of one loop or of all.
  struct Counts {
    /// By target's index (see ``TargetTable``) and outcome.
    var exchanges: [ExchangeKey: Int] = [:]
    /// By target's index.
    var roundTrips: [Int: Histogram] = [:]
    var requests: [RequestKey: Int] = [:]
    var probes: [ProbeKey: Int] = [:]
  }

  struct ExchangeKey: Hashable {
    var target: Int
    var outcome: ExchangeOutcome
  }

  struct RequestKey: Hashable {
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
    counts.withLock { counts in
      counts.exchanges[ExchangeKey(target: target, outcome: outcome), default: 0] += 1
      if let roundTrip { counts.roundTrips[target, default: Histogram()].record(roundTrip) }
    }
  }

  func count(_ request: RequestKey) {
    counts.withLock { $0.requests[request, default: 0] += 1 }
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
      sum.exchanges.merge(counts.exchanges, uniquingKeysWith: +)
      sum.requests.merge(counts.requests, uniquingKeysWith: +)
      sum.probes.merge(counts.probes, uniquingKeysWith: +)
      sum.roundTrips.merge(counts.roundTrips, uniquingKeysWith: +)
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
