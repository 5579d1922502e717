import CLinux
import Glibc

/// Many datagrams of our own by one system call (sendmmsg(2)), to whom and from where each likes, in memory that is
/// made once.
///
/// They are collected by ``add(_:to:from:on:)`` and leave by ``send(on:refused:)``. Pages of the buffers that no
/// datagram reaches are never touched.
public final class OutgoingBatch {
  /// How many datagrams it holds at most.
  public let capacity: Int
  /// How many it holds now.
  public private(set) var count = 0

  private let datagramSize: Int
  private let payloads: UnsafeMutableRawPointer
  private let names: UnsafeMutablePointer<sockaddr_storage>
  private let controls: UnsafeMutablePointer<ReceiveControl>
  private let vectors: UnsafeMutablePointer<iovec>
  private let messages: UnsafeMutablePointer<clinux_mmsghdr>

  /// Room for `capacity` datagrams of up to `datagramSize` bytes each.
  public init(capacity: Int, datagramSize: Int) {
    self.capacity = capacity
    self.datagramSize = datagramSize
    payloads = .allocate(byteCount: capacity * datagramSize, alignment: 64)
    names = .allocate(capacity: capacity)
    names.initialize(repeating: sockaddr_storage(), count: capacity)
    controls = .allocate(capacity: capacity)
    controls.initialize(repeating: ReceiveControl(), count: capacity)
    vectors = .allocate(capacity: capacity)
    vectors.initialize(repeating: iovec(), count: capacity)
    messages = .allocate(capacity: capacity)
    messages.initialize(repeating: clinux_mmsghdr(), count: capacity)
  }

  deinit {
    payloads.deallocate()
    names.deallocate()
    controls.deallocate()
    vectors.deallocate()
    messages.deallocate()
  }

  /// Collects a datagram.
  ///
  /// - Parameters:
  ///   - socket: where the socket is bound that it will be sent on: one of IPv6 writes IPv4 addresses its own way.
  ///   - source: the address that it leaves from; nil for the one that the socket is bound to.
  public func add(_ bytes: [UInt8], to destination: SocketAddress, from source: IPAddress?, on socket: SocketAddress) {
    precondition(count < capacity && bytes.count <= datagramSize, "no room for a datagram of \(bytes.count) bytes")
    let isIPv6Socket = socket.family == AF_INET6
    let payload = payloads + count * datagramSize
    bytes.withUnsafeBytes { payload.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(payload), byteCount: $0.count) }
    vectors[count] = iovec(iov_base: payload, iov_len: bytes.count)
    let name = isIPv6Socket ? SocketAddress(.v6(destination.ip.asIPv6), port: destination.port) : destination
    let slot = UnsafeMutableRawPointer(names + count)
    let nameLength = name.withSockaddr { address, length in
      slot.copyMemory(from: address, byteCount: Int(length))
      return length
    }
    var message = msghdr()
    message.msg_name = slot
    message.msg_namelen = nameLength
    message.msg_iov = vectors + count
    message.msg_iovlen = 1
    if let source {
      message.msg_control = UnsafeMutableRawPointer(controls + count)
      message.msg_controllen = SourceControl.write(source, isIPv6Socket: isIPv6Socket, to: message.msg_control)
    }
    messages[count].message = message
    count += 1
  }

  /// Sends what was collected. One that the kernel refuses is skipped and told, the rest go out.
  ///
  /// - Parameter refused: is told of each that the kernel refused, when it was collected and its payload bytes.
  public func send(on socket: borrowing UDPSocket, refused: (_ index: Int, _ bytes: Int) -> Void) {
    sendAll(messages, count: count, on: socket.descriptor, refused: refused)
    count = 0
  }
}
