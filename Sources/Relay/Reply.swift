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

  init(bytes: [UInt8], sender: SocketAddress, local: SocketAddress, roundTrip: Nanoseconds) {
    self.bytes = bytes
    self.sender = sender
    self.local = local
    self.roundTrip = roundTrip
  }
}
