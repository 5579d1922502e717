public import Basics

/// What one place of a batch took: one datagram, or several that are alike in all but their bytes, since the kernel
/// hands over as one what came as a burst (udp(7), `UDP_GRO`).
public struct DatagramBurst {
  /// Who sent it.
  public var source: SocketAddress
  /// The address it was sent to, where the socket is bound to all of them.
  public var destination: IPAddress?
  /// How many more hops it could have gone (the TTL of IPv4).
  public var hopLimit: Int?
  /// When the kernel received it, where the socket was asked to tell.
  public var receivedAt: WallTime?
  /// Each datagram's payload, possibly empty, in the order they came; good until the batch's next receipt. What was
  /// longer than the batch's buffers lacks its end.
  public var payloads: CoalescedPayloads
  /// Its place in the batch.
  let slot: Int
}
