import Basics
import HTTPServer

/// What a `GET /probe` asks for: a value made of a query and a header field, without a server.
struct ProbeRequest: Equatable {
  /// Which replies are a success.
  enum Expectation: String, CaseIterable {
    /// One that is byte for byte what was sent.
    case echo
    case any
  }

  /// A configured name or a literal address.
  let target: String
  /// The datagram's payload; nil where the request leaves it to the gateway.
  private(set) var datagram: [UInt8]?
  private(set) var expectation = Expectation.echo
  /// How long to wait for the reply; nil for the default.
  private(set) var timeout: Nanoseconds?

  /// The header field in which Prometheus tells how long it waits.
  static let timeoutField = "X-Prometheus-Scrape-Timeout-Seconds"

  /// All parameters.
  static let names = ["target", "message", "base64", "expect"]

  /// - Parameters:
  ///   - query: what follows the question mark.
  ///   - scrapeTimeout: the value of ``timeoutField``.
  init(query: String?, scrapeTimeout: String?) throws(Problem) {
    let parameters = try FormField.pairs(FormField.all(in: (query ?? "").utf8), "query parameter")
    for (name, _) in parameters where !Self.names.contains(name) {
      throw Problem(unknown: name, "query parameter", known: Self.names)
    }
    guard let target = parameters.first(where: { $0.name == "target" })?.value, !target.isEmpty else {
      throw Problem(.invalidRequest, "a probe needs its target, as in /probe?target=NAME")
    }
    self.target = target
    for (name, value) in parameters { try read(name, value) }
    timeout = try scrapeTimeout.map { text throws(Problem) in try Self.timeout(text) }
  }

  private mutating func read(_ name: String, _ value: String) throws(Problem) {
    switch name {
    case "message": try take(Array(value.utf8))
    case "base64":
      guard let bytes = MessageRequest.bytes(base64: value) else {
        throw Problem(.invalidRequest, "'base64' must be base64 (RFC 4648, padded), with + written as %2B")
      }
      try take(bytes)
    case "expect":
      guard let expectation = Expectation(rawValue: value) else {
        throw Problem(.invalidRequest, "'expect' must be echo or any")
      }
      self.expectation = expectation
    default: break
    }
  }

  private mutating func take(_ payload: [UInt8]) throws(Problem) {
    guard datagram == nil else { throw Problem(.invalidRequest, "a probe takes one of 'message' and 'base64'") }
    datagram = payload
  }

  /// What remains of the time that Prometheus waits, in seconds, when the answer has had its own.
  private static func timeout(_ seconds: String) throws(Problem) -> Nanoseconds {
    guard let number = Double(seconds), number.isFinite, number > 0 else {
      throw Problem(.invalidRequest, "'\(timeoutField)' must be a number of seconds above 0")
    }
    let span = Nanoseconds(Nanoseconds.seconds(number).count - Limits.scrapeTimeoutOffset.count)
    return min(max(span, Limits.probeTimeout.lowerBound), Limits.probeTimeout.upperBound)
  }

  /// A payload that no other probe has, so that what came back was sent for this one; readable, since people look for
  /// it in their targets' logs.
  static func nonce() -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    let words = (0..<2).map { _ in String(generator.next() as UInt64, radix: 16) }
    return Array("yodel probe \(words.joined(separator: "-"))".utf8)
  }
}
