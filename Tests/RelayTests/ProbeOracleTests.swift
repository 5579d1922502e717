import Basics
import Relay
import Sockets
import TestSupport
import Testing

/// The accounts of a series against an oracle that knows what was done to each datagram.
@Suite struct ProbeOracleTests {
  @Test(arguments: 1...50 as ClosedRange<UInt64>)
  func everyDatagramHasTheFateThatItMet(seed: UInt64) {
    let oracle = ProbeOracle(seed: seed, count: 2400)
    let (summary, lines) = play(oracle)
    let truth = oracle.truth()
    var fates: [UInt64: ProbeLine.Fate] = [:]
    for line in lines where line.fate != .duplicate { fates[line.number] = line.fate }
    #expect(fates == truth.fates)
    func count(_ fate: ProbeLine.Fate) -> Int { truth.fates.values.count { $0 == fate } }
    #expect(summary.received == count(.reply) && summary.late == count(.late))
    #expect(summary.corrupted == count(.corrupted) && summary.unreachable == count(.unreachable))
    #expect(summary.lost == count(.lost) && summary.sent == oracle.count && summary.undecided == 0)
    #expect(summary.duplicates == truth.duplicates && lines.count { $0.fate == .duplicate } == truth.duplicates)
    #expect(summary.reordered == truth.reordered && summary.unmatched == truth.unmatched)
    check(summary.roundTrips, truth.roundTrips)
  }

  private func check(_ measured: RoundTrips, _ truth: [Int64?]) {
    let sorted = truth.compactMap { $0 }.sorted()
    guard !sorted.isEmpty else { return #expect(measured.count == 0) }
    let percents = [50, 90, 99]
    // The nearest rank as it is defined: the first that at least so many percent do not exceed.
    let ranks = percents.map { percent in
      sorted.first { value in
        sorted.partitioningIndex { $0 > value } * 100 >= percent * sorted.count
      }
    }
    #expect(measured.percentiles(percents).map { $0?.count } == ranks)
    #expect(measured.min?.count == sorted.first && measured.max?.count == sorted.last)
    let mean = Double(sorted.reduce(0, +)) / Double(sorted.count)
    let squares = sorted.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
    #expect(abs(Double(measured.mean!.count) - mean) <= 1)
    #expect(abs(Double(measured.standardDeviation!.count) - (squares / Double(sorted.count)).squareRoot()) <= 1)
    let steps = zip(truth, truth.dropFirst()).compactMap { first, second in
      first.flatMap { first in second.map { abs(first - $0) } }
    }
    let jitter = steps.isEmpty ? nil : Double(steps.reduce(0, +)) / Double(steps.count)
    #expect((measured.jitter == nil) == (jitter == nil))
    if let jitter { #expect(abs(Double(measured.jitter!.count) - jitter) <= 1) }
  }

  /// Tells a series all of it in order, as its runner does, until the last is decided.
  private func play(_ oracle: ProbeOracle) -> (ProbeSummary, [ProbeLine]) {
    let payload = ProbePayload(size: oracle.size, tag: 99)
    var series = ProbeSeries(payload: payload, timeout: Nanoseconds(oracle.timeout))
    var lines: [ProbeLine] = []
    var datagram = [UInt8](repeating: 0, count: oracle.size)
    var sends = oracle.sends[...]
    var arrivals = oracle.arrivals[...]
    while !sends.isEmpty || series.undecided > 0 {
      let times = [sends.first, arrivals.first?.time, series.nextDeadline?.nanoseconds]
      let now = MonotonicTime(nanoseconds: times.compactMap { $0 }.min()!)
      while let arrival = arrivals.first, arrival.time <= now.nanoseconds {
        arrivals.removeFirst()
        payload.write(arrival.number ?? 1, into: &datagram)
        for bit in arrival.flips { datagram[bit / 8] ^= 1 << (bit % 8) }
        if arrival.number == nil { datagram = datagram.map { $0 ^ 0x5A } }
        let line = datagram.withUnsafeBytes { bytes in
          arrival.isError
            ? series.reported(.refused, quoting: bytes) : series.received(bytes, at: now, readAt: now)
        }
        if let line { lines.append(line) }
      }
      while let line = series.expire(at: now) { lines.append(line) }
      if let first = sends.first, first <= now.nanoseconds {
        sends.removeFirst()
        series.sent(at: now)
      }
    }
    series.end(isComplete: true, droppedHere: 0)
    return (series.summary, lines)
  }
}

extension [Int64] {
  /// How many from the start do not satisfy what all behind them do.
  fileprivate func partitioningIndex(where belongsToSecond: (Int64) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if belongsToSecond(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
