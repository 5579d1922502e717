import CLinux
import Glibc

/// Many datagrams of our own by one system call (sendmmsg(2)), to whom and from where each likes, in memory that is
/// made once.
///
/// They are collected by ``add(_:to:from:on:)`` and leave by ``send(on:refused:)``.
public final class OutgoingBatch {
  /// How many datagrams it holds at most.
  public let capacity: Int
  /// How many it holds now.
  public private(set) var count = 0

  private let slots: DatagramSlots

  /// Room for `capacity` datagrams of up to `datagramSize` bytes each.
  public init(capacity: Int, datagramSize: Int) {
    self.capacity = capacity
    slots = DatagramSlots(capacity: capacity, datagramSize: datagramSize)
  }

  /// Collects a datagram.
  ///
  /// - Parameters:
  ///   - socket: where the socket is bound that it will be sent on: one of IPv6 writes IPv4 addresses its own way.
  ///   - source: the address that it leaves from; nil for the one that the socket is bound to.
  public func add(_ bytes: [UInt8], to destination: SocketAddress, from source: IPAddress?, on socket: SocketAddress) {
    precondition(
      count < capacity && bytes.count <= slots.datagramSize, "no room for a datagram of \(bytes.count) bytes")
    let isIPv6Socket = socket.family == AF_INET6
    let payload = slots.payload(count)
    bytes.withUnsafeBytes { payload.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(payload), byteCount: $0.count) }
    slots.vectors[count].iov_len = bytes.count
    let name = isIPv6Socket ? SocketAddress(.v6(destination.ip.asIPv6), port: destination.port) : destination
    slots.messages[count].message.msg_namelen = name.withSockaddr { address, length in
      UnsafeMutableRawPointer(slots.names + count).copyMemory(from: address, byteCount: Int(length))
      return length
    }
    slots.messages[count].message.msg_controllen =
      source.map {
        SourceControl.write($0, isIPv6Socket: isIPv6Socket, to: UnsafeMutableRawPointer(slots.controls + count))
      } ?? 0
    count += 1
  }

  /// Sends what was collected. One that the kernel refuses is skipped and told, the rest go out.
  ///
  /// - Parameter refused: is told of each that the kernel refused, when it was collected and its payload bytes.
  public func send(on socket: borrowing UDPSocket, refused: (_ index: Int, _ bytes: Int) -> Void) {
    sendAll(slots.messages, count: count, on: socket.descriptor, refused: refused)
    count = 0
  }
}
