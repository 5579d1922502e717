/// What became of a datagram that the echo server read.
public enum DatagramFate: Hashable, Sendable {
  /// It was sent back, at least once.
  case echoed
  /// An impairment lost it.
  case lost
  /// It was not answered.
  case refused(DropReason)

  /// The API's name.
  public var name: String {
    switch self {
    case .echoed: "echoed"
    case .lost: "lost"
    case .refused: "refused"
    }
  }

  /// Why it was not answered, if that is what became of it.
  public var reason: DropReason? {
    if case .refused(let reason) = self { reason } else { nil }
  }
}
