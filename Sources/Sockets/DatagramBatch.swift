import Basics
import CLinux
import Glibc

/// Many datagrams by one system call (recvmmsg(2), sendmmsg(2)), in memory that is made once.
///
/// A batch is filled by ``receive(from:upTo:)``; replies to what it holds are collected by
/// ``addReplies(to:count:numbered:)`` and leave, with the same bytes and in the same order, by
/// ``sendReplies(on:refused:)``. Where the kernel has a burst of equal datagrams as one, so does the batch: it is one
/// read and one write.
public final class DatagramBatch {
  /// How many bursts one receipt takes at most.
  public let capacity: Int
  /// How many the last receipt took.
  public private(set) var count = 0
  /// Datagrams the kernel dropped because the socket's queue was full, as the newest datagram told: since the socket
  /// was made, modulo 2³²; nil where there was none to tell. A burst that it dropped as a whole it counts as one.
  public private(set) var droppedByKernel: UInt32?

  private let slots: DatagramSlots
  /// The socket of the last receipt can be asked to send runs.
  private var joins = false
  /// Unchecked at run time: nothing that a change of it calls comes here again. The check, which the compiler leaves in
  /// where it cannot see that, was 6 % of an echoed datagram's instructions.
  @exclusivity(unchecked) private var replies: OutgoingRuns

  /// Room for `capacity` bursts of up to `datagramSize` bytes each.
  public convenience init(capacity: Int, datagramSize: Int) {
    self.init(capacity: capacity, datagramSize: datagramSize, clock: MonotonicTime.now)
  }

  init(capacity: Int, datagramSize: Int, clock: @escaping () -> MonotonicTime) {
    self.capacity = capacity
    slots = DatagramSlots(capacity: capacity, datagramSize: datagramSize)
    replies = OutgoingRuns(capacity: capacity, clock: clock)
    for slot in 0..<capacity { rearm(slot) }
  }

  /// Gives the kernel the whole of a slot again; it wrote there how much it used.
  private func rearm(_ slot: Int) {
    slots.messages[slot].message.msg_namelen = socklen_t(MemoryLayout<sockaddr_storage>.size)
    slots.messages[slot].message.msg_controllen = MemoryLayout<ControlBuffer>.size
  }
}

// MARK: - Receiving

extension DatagramBatch {
  /// Takes what is queued on the socket, and forgets the batch before; 0 where nothing was queued.
  ///
  /// - Parameter limit: how many bursts at most, up to ``capacity``; nil for all of it.
  public func receive(
    from socket: borrowing UDPSocket, upTo limit: Int? = nil
  ) throws(SocketError) -> Int {
    precondition(limit ?? 1 > 0)
    let places = min(limit ?? capacity, capacity)
    for slot in 0..<count { rearm(slot) }
    count = 0
    replies.removeAll()
    joins = socket.sendsSegments
    droppedByKernel = nil
    let descriptor = socket.descriptor
    let taken = try nonblockingCall(.recvmmsg) {
      clinux_recvmmsg(descriptor, slots.messages, UInt32(places), 0, nil)
    }
    count = Int(taken ?? 0)
    return count
  }

  /// The `index`-th burst of the batch. Its bytes are good until the next receipt.
  public func burst(at index: Int) -> DatagramBurst {
    precondition(index < count, "burst \(index) of \(count)")
    let message = slots.messages + index
    let name = UnsafeRawBufferPointer(start: slots.names + index, count: Int(message.pointee.message.msg_namelen))
    let control = ControlMessages(&message.pointee.message)
    if let dropped = control.dropped { droppedByKernel = dropped }
    let bytes = UnsafeRawBufferPointer(start: slots.payload(index), count: Int(message.pointee.length))
    return DatagramBurst(
      source: SocketAddress(sockaddr: name)!,  // recvmmsg on an IP socket always tells an IP address.
      destination: control.destination,
      hopLimit: control.hopLimit,
      receivedAt: control.receiveTime,
      payloads: CoalescedPayloads(bytes, size: control.segmentSize),
      slot: index)
  }
}

// MARK: - Replying

extension DatagramBatch {
  /// Collects replies to the first datagrams of a burst of this batch: their own bytes, back to their source, from the
  /// address that they were sent to.
  ///
  /// - Parameters:
  ///   - count: how many of them, from 1 on.
  ///   - first: what the first is called should the kernel refuse it, the others by the numbers after.
  public func addReplies(to burst: DatagramBurst, count: Int, numbered first: Int = 0) {
    replies.add(count, of: burst, in: slots, numbered: first, joins: joins)
  }

  /// Sends the collected replies. One that the kernel refuses is skipped and told, the rest go out.
  ///
  /// - Parameter refused: is told of each that the kernel refused, its number and its payload bytes.
  public func sendReplies(on socket: borrowing UDPSocket, refused: (_ number: Int, _ bytes: Int) -> Void) {
    replies.send(on: socket, refused: refused)
  }
}
