public import Basics
public import Sockets

/// What is known of a datagram that the echo server saw, but for its bytes.
public struct RecordedDatagram: Hashable, Sendable {
  /// Its place among all that this server saw, from 1 on.
  public var number: UInt64 = 0
  /// When the kernel received it.
  public var receivedAt = WallTime(nanoseconds: 0)
  /// Who sent it.
  public var source = SocketAddress(.v4(IPv4Address(bits: 0)), port: 0)
  /// Where it was sent to.
  public var destination = SocketAddress(.v4(IPv4Address(bits: 0)), port: 0)
  /// Its payload's length in bytes.
  public var length = 0
  /// What became of it.
  public var fate = DatagramFate.echoed
  /// What was done to it on purpose.
  public var impairments: ImpairmentKinds = []
  /// It is a message that the gateway sent.
  public var isOwn = false

  /// What is known.
  package init(
    number: UInt64, receivedAt: WallTime, source: SocketAddress, destination: SocketAddress, length: Int,
    fate: DatagramFate, impairments: ImpairmentKinds, isOwn: Bool
  ) {
    self.number = number
    self.receivedAt = receivedAt
    self.source = source
    self.destination = destination
    self.length = length
    self.fate = fate
    self.impairments = impairments
    self.isOwn = isOwn
  }

  /// Nothing is known yet.
  init() {}

  /// How many of its bytes are kept, from its first on.
  public var keptLength: Int { min(length, Limits.recordedBytes) }
}
