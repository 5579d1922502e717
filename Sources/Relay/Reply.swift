public import Basics
public import Sockets

/// What came back for a message.
public struct Reply: Sendable {
  /// The reply's payload, possibly empty.
  public let bytes: [UInt8]
  /// Who sent it, as the kernel told.
  public let sender: SocketAddress
  /// The address that the message was sent from.
  public let local: SocketAddress
  /// From just before the send to the reply's arrival, by the kernel's receive time where it is had.
  public let roundTrip: Nanoseconds

  package init(_ payload: Span<UInt8>, _ passage: ReplyPassage) {
    bytes = Array(payload)
    sender = passage.sender
    local = passage.local
    roundTrip = passage.roundTrip
  }
}

/// What is known of a reply beside its payload.
package struct ReplyPassage: Sendable {
  /// Who sent it, as the kernel told.
  package let sender: SocketAddress
  /// The address that the message was sent from.
  package let local: SocketAddress
  /// See ``Reply/roundTrip``.
  package let roundTrip: Nanoseconds
}
