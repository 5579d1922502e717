public import Basics
public import Sockets

/// What came back for a message.
public struct Reply: Sendable, Equatable {
  /// The reply's payload, possibly empty.
  public var bytes: [UInt8]
  /// Who sent it, as the kernel told.
  public var sender: SocketAddress
  /// The address that the message was sent from.
  public var local: SocketAddress
  /// From just before the send to the reply's arrival, by the kernel's receive time where it is had.
  public var roundTrip: Nanoseconds
}
