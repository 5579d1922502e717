import Basics
import Relay
import TestSupport

/// A series over a network that is made up, from a seed: loss, delay, duplicates, corruption, reordering, strangers and
/// errors. What became of each datagram is known to the oracle from what was made up, by rules of its own.
struct ProbeOracle {
  /// Something that comes back.
  struct Arrival {
    var time: Int64
    /// nil for what belongs to no datagram of the series.
    var number: UInt64?
    /// The bits that are flipped.
    var flips: [Int] = []
    /// It is an ICMP message about the datagram.
    var isError = false
  }

  let count: Int
  let size: Int
  let timeout: Int64
  private(set) var sends: [Int64] = []
  private(set) var arrivals: [Arrival] = []

  init(seed: UInt64, count: Int) {
    var random = SeededGenerator(seed: seed)
    self.count = count
    size = Int.random(in: 24...80, using: &random)
    timeout = Int64.random(in: 1_000...50_000_000, using: &random)
    let interval = Int64.random(in: 1_000...2_000_000, using: &random)
    // Each network is bad in its own way.
    let shares = (0..<6).map { _ in Double.random(in: 0..<0.3, using: &random) }
    for index in 0..<count {
      let sentAt = 1_000_000_000 + Int64(index) * interval + Int64.random(in: 0..<500, using: &random)
      sends.append(sentAt)
      answer(UInt64(index + 1), sentAt, shares, &random)
    }
    arrivals.sort { $0.time < $1.time }
  }

  private mutating func answer(
    _ number: UInt64, _ sentAt: Int64, _ shares: [Double], _ random: inout SeededGenerator
  ) {
    func happens(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &random) < share }
    func delay() -> Int64 { Int64.random(in: 1...(happens(0.1) ? 3 * timeout : timeout / 3 + 2), using: &random) }
    if happens(shares[0]) { arrivals.append(Arrival(time: sentAt + delay(), number: nil)) }
    if happens(shares[1]) { arrivals.append(Arrival(time: sentAt + delay(), number: number, isError: true)) }
    if happens(shares[2]) { return }
    repeat {
      var copy = Arrival(time: sentAt + delay(), number: number)
      if happens(shares[3]) { copy.flips = [Int.random(in: 0..<size * 8, using: &random)] }
      arrivals.append(copy)
    } while happens(shares[4])
  }

  // MARK: What is right

  /// When each datagram's fate is known for the first time.
  private func decidedAt(_ number: Int) -> Int64 {
    let first = arrivals.first { $0.number == UInt64(number) }?.time ?? .max
    return min(first, sends[number - 1] + timeout)
  }

  /// What a series that saw all of it has to say: by number, its fate; then the rest of the summary.
  func truth() -> (
    fates: [UInt64: ProbeLine.Fate], duplicates: Int, reordered: Int, unmatched: Int, roundTrips: [Int64?]
  ) {
    let end = decidedEnd()
    let heard = arrivals.filter { $0.time <= end }
    var copies: [UInt64: [Arrival]] = [:]
    var errors: Set<UInt64> = []
    for arrival in heard {
      guard let number = arrival.number else { continue }
      if !arrival.isError { copies[number, default: []].append(arrival) }
      if arrival.isError, arrival.time <= sends[Int(number) - 1] + timeout { errors.insert(number) }
    }
    var fates: [UInt64: ProbeLine.Fate] = [:]
    var roundTrips = [Int64?](repeating: nil, count: count)
    for number in 1...UInt64(count) {
      guard let first = copies[number]?.first else {
        fates[number] = errors.contains(number) ? .unreachable : .lost
        continue
      }
      let roundTrip = first.time - sends[Int(number) - 1]
      fates[number] = roundTrip > timeout ? .late : first.flips.isEmpty ? .reply : .corrupted
      if fates[number] == .reply { roundTrips[Int(number) - 1] = roundTrip }
    }
    let firsts = copies.compactMap { number, list in (number, list[0].time) }.sorted { $0.1 < $1.1 }.map(\.0)
    var highest: UInt64 = 0
    let reordered = firsts.count { number in
      defer { highest = max(highest, number) }
      return number < highest
    }
    let duplicates = copies.values.reduce(0) { $0 + $1.count - 1 }
    return (fates, duplicates, reordered, heard.count { $0.number == nil }, roundTrips)
  }

  /// When the last datagram is decided, and with it the series over.
  private func decidedEnd() -> Int64 {
    var firsts = [Int64](repeating: .max, count: count)
    for arrival in arrivals {
      if let number = arrival.number { firsts[Int(number) - 1] = min(firsts[Int(number) - 1], arrival.time) }
    }
    return zip(firsts, sends).map { min($0, $1 + timeout) }.max()!
  }
}
