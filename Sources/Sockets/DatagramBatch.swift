public import Basics
import CLinux
import Glibc

/// Many datagrams by one system call (recvmmsg(2), sendmmsg(2)), in memory that is made once.
///
/// A batch is filled by ``receive(from:)``; replies to what it holds are collected by ``addReply(to:)`` and leave,
/// with the same bytes, by ``sendReplies(on:refused:)``. Pages of the buffers that no datagram reaches are never
/// touched, so a batch of 64 costs address space, not memory.
public final class DatagramBatch {
  /// How many datagrams one receipt takes at most.
  public let capacity: Int
  /// How many the last receipt took.
  public private(set) var count = 0
  /// Datagrams the kernel dropped because the socket's queue was full, as the newest datagram told: since the socket
  /// was made, modulo 2³²; nil where there was none to tell.
  public private(set) var droppedByKernel: UInt32?

  private let datagramSize: Int
  private let payloads: UnsafeMutableRawPointer
  private let names: UnsafeMutablePointer<sockaddr_storage>
  private let controls: UnsafeMutablePointer<ReceiveControl>
  private let vectors: UnsafeMutablePointer<iovec>
  private let received: UnsafeMutablePointer<clinux_mmsghdr>
  private let replies: UnsafeMutablePointer<clinux_mmsghdr>
  /// Unchecked at run time: nothing that a change of it calls comes here again. The check, which the compiler leaves in
  /// where it cannot see that, was 6 % of an echoed datagram's instructions.
  @exclusivity(unchecked) private var replyCount = 0

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
    received = .allocate(capacity: capacity)
    received.initialize(repeating: clinux_mmsghdr(), count: capacity)
    replies = .allocate(capacity: capacity)
    replies.initialize(repeating: clinux_mmsghdr(), count: capacity)
    for slot in 0..<capacity { prepare(slot) }
  }

  deinit {
    payloads.deallocate()
    names.deallocate()
    controls.deallocate()
    vectors.deallocate()
    received.deallocate()
    replies.deallocate()
  }

  private func prepare(_ slot: Int) {
    received[slot].message.msg_name = UnsafeMutableRawPointer(names + slot)
    received[slot].message.msg_iov = vectors + slot
    received[slot].message.msg_iovlen = 1
    received[slot].message.msg_control = UnsafeMutableRawPointer(controls + slot)
    rearm(slot)
  }

  /// Gives the kernel the whole of a slot again; it wrote there how much it used.
  private func rearm(_ slot: Int) {
    vectors[slot] = iovec(iov_base: payloads + slot * datagramSize, iov_len: datagramSize)
    received[slot].message.msg_namelen = socklen_t(MemoryLayout<sockaddr_storage>.size)
    received[slot].message.msg_controllen = MemoryLayout<ReceiveControl>.size
  }
}

// MARK: - Receiving

extension DatagramBatch {
  /// Takes what is queued on the socket, up to ``capacity`` datagrams, and forgets the batch before; 0 where nothing
  /// was queued.
  public func receive(from socket: borrowing UDPSocket) throws(SocketError) -> Int {
    for slot in 0..<count { rearm(slot) }
    count = 0
    replyCount = 0
    droppedByKernel = nil
    let descriptor = socket.descriptor
    let taken = try nonblockingCall(.recvmmsg) {
      clinux_recvmmsg(descriptor, received, UInt32(capacity), 0, nil)
    }
    count = Int(taken ?? 0)
    return count
  }

  /// The `index`-th datagram of the batch. Its bytes are good until the next receipt.
  public func datagram(at index: Int) -> BatchedDatagram {
    precondition(index < count, "datagram \(index) of \(count)")
    let name = UnsafeRawBufferPointer(start: names + index, count: Int(received[index].message.msg_namelen))
    let control = ControlMessages(&received[index].message)
    if let dropped = control.dropped { droppedByKernel = dropped }
    return BatchedDatagram(
      source: SocketAddress(sockaddr: name)!,  // recvmmsg on an IP socket always tells an IP address.
      destination: control.destination,
      hopLimit: control.hopLimit,
      receivedAt: control.receiveTime,
      bytes: UnsafeRawBufferPointer(start: payloads + index * datagramSize, count: Int(received[index].length)),
      isTruncated: received[index].message.msg_flags & Int32(MSG_TRUNC) != 0)
  }
}

/// One datagram of a batch.
public struct BatchedDatagram {
  /// Who sent it.
  public var source: SocketAddress
  /// The address it was sent to, where the socket is bound to all of them.
  public var destination: IPAddress?
  /// How many more hops it could have gone (the TTL of IPv4).
  public var hopLimit: Int?
  /// When the kernel received it, where the socket was asked to tell.
  public var receivedAt: WallTime?
  /// Its payload, possibly empty; good until the batch's next receipt.
  public var bytes: UnsafeRawBufferPointer
  /// It was longer than the batch's buffers, and the rest is lost.
  public var isTruncated: Bool
}

// MARK: - Replying

extension DatagramBatch {
  /// Collects a reply to a datagram of this batch: its own bytes, back to its source, from the address that it was
  /// sent to.
  public func addReply(to datagram: BatchedDatagram, at index: Int) {
    precondition(replyCount < capacity, "more replies than datagrams")
    vectors[index].iov_len = datagram.bytes.count
    replies[replyCount].message = received[index].message
    replies[replyCount].message.msg_flags = 0
    setSource(datagram.destination, of: replyCount, slot: index)
    replyCount += 1
  }

  /// Sends the collected replies. One that the kernel refuses is skipped and told, the rest go out.
  ///
  /// - Parameter refused: is told of each that the kernel refused, which datagram it answered and its payload bytes.
  public func sendReplies(on socket: borrowing UDPSocket, refused: (_ index: Int, _ bytes: Int) -> Void) {
    sendAll(replies, count: replyCount, on: socket.descriptor) { reply, bytes in
      refused(replies[reply].message.msg_iov - vectors, bytes)
    }
    replyCount = 0
  }

  /// Makes a reply leave from `source`.
  private func setSource(_ source: IPAddress?, of reply: Int, slot: Int) {
    guard let source else {
      replies[reply].message.msg_control = nil
      replies[reply].message.msg_controllen = 0
      return
    }
    let control = UnsafeMutableRawPointer(controls + slot)
    let isIPv6Socket = names[slot].ss_family == sa_family_t(AF_INET6)
    replies[reply].message.msg_control = control
    replies[reply].message.msg_controllen = SourceControl.write(source, isIPv6Socket: isIPv6Socket, to: control)
  }
}
