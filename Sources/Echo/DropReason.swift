/// Why the echo server did not answer a datagram. The names are the API's and the metrics'.
public enum DropReason: String, CaseIterable, Sendable {
  /// It was lost on purpose, or still held back when the server ended.
  case impaired
  /// It came from port 0 or below 1024, where other services answer what they are sent: two of them, once set on
  /// each other, would never stop (CVE-2024-2169).
  case lowSourcePort = "low_source_port"
  /// It claims to come from this very server, or is an answer of another one: two of them, once set on each other,
  /// would never stop either.
  case ownAddress = "own_address"
  /// Its source is no single host: broadcast, multicast or unspecified (RFC 1122 section 3.2.1.3).
  case badSource = "bad_source"
  /// It was sent to many: an answer to a broadcast or a multicast would be an amplifier's.
  case badDestination = "bad_destination"
  /// Its network of public addresses sends more than the rate allows.
  case rateLimited = "rate_limited"
  /// It was to wait, or to go to the loop that impairs, and there is no room for more that do.
  case holdFull = "hold_full"
  /// The kernel refused to send the answer.
  case sendFailed = "send_failed"
}
