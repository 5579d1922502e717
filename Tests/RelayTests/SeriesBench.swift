import Basics
import Relay
import Sockets

/// A series without a network: what is sent, comes and is reported is the test's choice, in milliseconds.
struct SeriesBench {
  let payload: ProbePayload
  var series: ProbeSeries

  init(size: Int = 64, timeout: Int = 100, remembered: Int = Limits.rememberedProbes) {
    payload = ProbePayload(size: size, tag: 0xC0FFEE)
    series = ProbeSeries(payload: payload, timeout: .milliseconds(timeout), remembered: remembered)
  }

  static func time(_ milliseconds: Int) -> MonotonicTime {
    MonotonicTime(nanoseconds: 0) + .milliseconds(1_000_000 + milliseconds)
  }

  /// The payload of a number, as it was sent.
  func datagram(_ number: UInt64) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: payload.size)
    payload.write(number, into: &bytes)
    return bytes
  }

  mutating func send(_ count: Int = 1, at milliseconds: Int = 0) {
    for _ in 0..<count { series.sent(at: Self.time(milliseconds)) }
  }

  mutating func receive(_ bytes: [UInt8], at milliseconds: Int) -> ProbeLine? {
    let time = Self.time(milliseconds)
    return bytes.withUnsafeBytes { series.received($0, at: time, readAt: time) }
  }

  mutating func receive(_ number: UInt64, flipped bit: Int? = nil, at milliseconds: Int) -> ProbeLine.Fate? {
    var bytes = datagram(number)
    if let bit { bytes[bit / 8] ^= 1 << (bit % 8) }
    return receive(bytes, at: milliseconds)?.fate
  }

  mutating func report(_ error: ReportedError = .refused, quoting quote: [UInt8]) -> ProbeLine? {
    quote.withUnsafeBytes { series.reported(error, quoting: $0) }
  }

  /// Writes off what is overdue; answers its numbers.
  mutating func expire(at milliseconds: Int) -> [UInt64] {
    var numbers: [UInt64] = []
    while let line = series.expire(at: Self.time(milliseconds)) { numbers.append(line.number) }
    return numbers
  }

  /// The books balance, whatever has happened.
  var isBalanced: Bool { series.summary.sent + series.undecided == Int(series.nextNumber) - 1 }
}

extension ReportedError {
  /// As ICMP's port unreachable is told.
  static let refused = ReportedError(errno: .connectionRefused)
}
