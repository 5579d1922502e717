import Basics
import CLinux
import Glibc

/// Replies that are about to leave, where those that follow one another to one receiver and are of one size make a run:
/// one message of sendmmsg(2), which the kernel cuts into datagrams (udp(7), `UDP_SEGMENT`).
///
/// A run that the kernel does not take goes one by one. The payloads stay where they are until then.
struct OutgoingRuns: ~Copyable {
  private let capacity: Int
  private let runs: UnsafeMutablePointer<Run>
  private let messages: UnsafeMutablePointer<clinux_mmsghdr>
  private let pieces: UnsafeMutablePointer<Piece>
  private let vectors: UnsafeMutablePointer<iovec>
  private var count = 0
  private var pieceCount = 0
  private var limit = SegmentLimit()
  private let clock: () -> MonotonicTime
  /// Where the datagrams of a run are put that go one by one.
  private let singles: DatagramSlots
  private let numbers: UnsafeMutablePointer<Int>

  /// One message's datagrams.
  private struct Run {
    var receiver: SocketAddress
    var source: IPAddress?
    /// Of each but the last.
    var datagramSize: Int
    var datagramCount = 0
    var byteCount = 0
    var firstPiece: Int
    var pieceCount = 0
    /// What of its control messages a single datagram has too.
    var sourceControl = 0
    var needsSegments: Bool { datagramCount > 1 }
  }

  /// The replies to one burst, or as many of them as there are.
  private struct Piece {
    var payloads: CoalescedPayloads
    var count: Int
    /// What the first is called.
    var number: Int
  }

  /// Room for the replies to `capacity` bursts.
  ///
  /// - Parameter clock: is asked only while something is known that the kernel does not send as one.
  init(capacity: Int, clock: @escaping () -> MonotonicTime) {
    self.capacity = capacity
    self.clock = clock
    runs = .allocate(capacity: capacity)
    messages = .allocate(capacity: capacity)
    messages.initialize(repeating: clinux_mmsghdr(), count: capacity)
    pieces = .allocate(capacity: capacity)
    vectors = .allocate(capacity: capacity)
    vectors.initialize(repeating: iovec(), count: capacity)
    singles = DatagramSlots(capacity: Limits.segmentsPerSend, datagramSize: 0)
    numbers = .allocate(capacity: Limits.segmentsPerSend)
    numbers.initialize(repeating: 0, count: Limits.segmentsPerSend)
  }

  deinit {
    runs.deallocate()
    messages.deallocate()
    pieces.deallocate()
    vectors.deallocate()
    numbers.deallocate()
  }

  /// Forgets what was added.
  mutating func removeAll() {
    (count, pieceCount) = (0, 0)
    if !limit.isEmpty { limit.forget(by: clock()) }
  }
}

// MARK: - Adding

extension OutgoingRuns {
  /// Adds the replies to the first `number` datagrams of a burst that is in `slot`.
  ///
  /// - Parameters:
  ///   - first: what the first is called where the kernel refuses it, the others by the numbers after.
  ///   - joins: whether the kernel can be asked for runs.
  mutating func add(
    _ number: Int, of burst: DatagramBurst, in slots: borrowing DatagramSlots, numbered first: Int, joins: Bool
  ) {
    precondition(pieceCount < capacity, "more replies than bursts")
    let bytes = burst.payloads.byteCount(ofFirst: number)
    vectors[pieceCount] = iovec(
      iov_base: UnsafeMutableRawPointer(mutating: burst.payloads.bytes.baseAddress), iov_len: bytes)
    pieces[pieceCount] = Piece(payloads: burst.payloads, count: number, number: first)
    if !joins || !isNext(burst, count: number, bytes: bytes) { begin(with: burst, in: slots) }
    let run = runs + (count - 1)
    run.pointee.datagramCount += number
    run.pointee.byteCount += bytes
    run.pointee.pieceCount += 1
    pieceCount += 1
    if run.pointee.needsSegments { extend(run, in: slots) }
  }

  /// Whether a burst's replies can go on with the newest run.
  @inline(__always)
  private func isNext(_ burst: DatagramBurst, count number: Int, bytes: Int) -> Bool {
    guard count > 0 else { return false }
    let run = runs + (count - 1)
    let size = run.pointee.datagramSize
    // A shorter datagram is the last of its run, and an empty one is none.
    let isAlike = number == 1 ? bytes <= size && bytes > 0 : burst.payloads.size == size
    return isAlike && run.pointee.byteCount == run.pointee.datagramCount * size
      && run.pointee.datagramCount + number <= Limits.segmentsPerSend
      && run.pointee.byteCount + bytes <= Limits.largestPayloadIPv4 && limit.allows(size, to: burst.source.ip)
      && run.pointee.receiver == burst.source && run.pointee.source == burst.destination
  }

  private mutating func begin(with burst: DatagramBurst, in slots: borrowing DatagramSlots) {
    var message = msghdr()
    message.msg_name = UnsafeMutableRawPointer(slots.names + burst.slot)
    message.msg_namelen = slots.messages[burst.slot].message.msg_namelen
    message.msg_iov = vectors + pieceCount
    var run = Run(
      receiver: burst.source, source: burst.destination, datagramSize: burst.payloads.size, firstPiece: pieceCount)
    if let source = burst.destination {
      let isIPv6Socket = slots.names[burst.slot].ss_family == sa_family_t(AF_INET6)
      message.msg_control = UnsafeMutableRawPointer(slots.controls + burst.slot)
      run.sourceControl = SourceControl.write(source, isIPv6Socket: isIPv6Socket, to: message.msg_control)
      message.msg_controllen = run.sourceControl
    }
    message.msg_iovlen = 1
    messages[count].message = message
    runs[count] = run
    count += 1
  }

  /// Has the newest message be cut into datagrams.
  private func extend(_ run: UnsafeMutablePointer<Run>, in slots: borrowing DatagramSlots) {
    let message = messages + (count - 1)
    message.pointee.message.msg_iovlen = run.pointee.pieceCount
    if message.pointee.message.msg_controllen > run.pointee.sourceControl { return }
    // The control messages of the slot in which the run's first datagram came were read and are its own now.
    let name = message.pointee.message.msg_name.assumingMemoryBound(to: sockaddr_storage.self)
    let control = UnsafeMutableRawPointer(slots.controls + (name - slots.names))
    message.pointee.message.msg_control = control
    message.pointee.message.msg_controllen =
      run.pointee.sourceControl
      + SegmentControl.write(run.pointee.datagramSize, to: control + run.pointee.sourceControl)
  }
}

// MARK: - Sending

extension OutgoingRuns {
  /// Sends what was added. What the kernel refuses is skipped and told, the rest goes out.
  ///
  /// - Parameter refused: is told of each datagram that the kernel refused, its number and its payload bytes.
  mutating func send(on socket: borrowing UDPSocket, refused: (_ number: Int, _ bytes: Int) -> Void) {
    let descriptor = socket.descriptor
    var next = 0
    while next < count {
      let row = row(from: next, segments: socket.sendsSegments)
      if row == 0 {
        _ = sendSingly(next, on: descriptor, refused: refused)
        next += 1
        continue
      }
      do throws(SocketError) {
        next += Int(try systemCall(.sendmmsg) { clinux_sendmmsg(descriptor, messages + next, UInt32(row), 0) })
      } catch {
        // sendmmsg reports an error only when the very first of its messages met it.
        deal(with: error, at: next, on: descriptor, refused: refused)
        next += 1
      }
    }
    removeAll()
  }

  /// How many messages from one on may go as they are.
  private func row(from first: Int, segments: Bool) -> Int {
    var end = first
    while end < count, !runs[end].needsSegments || (segments && isAllowed(runs + end)) { end += 1 }
    return end - first
  }

  private func isAllowed(_ run: UnsafeMutablePointer<Run>) -> Bool {
    limit.allows(run.pointee.datagramSize, to: run.pointee.receiver.ip)
  }

  private mutating func deal(
    with error: SocketError, at index: Int, on descriptor: Int32, refused: (_ number: Int, _ bytes: Int) -> Void
  ) {
    let run = runs[index]
    guard run.needsSegments else { return refused(pieces[run.firstPiece].number, run.byteCount) }
    let sent = sendSingly(index, on: descriptor, refused: refused)
    // Where they do not go one by one either, or are more than any kernel takes, that says nothing of runs.
    guard sent > 0, run.datagramCount <= Limits.segmentsPerSend else { return }
    limit.learn(error.errno, size: run.datagramSize, to: run.receiver.ip, at: clock())
  }

  /// Sends the datagrams of a run one by one; answers how many the kernel took.
  private func sendSingly(
    _ index: Int, on descriptor: Int32, refused: (_ number: Int, _ bytes: Int) -> Void
  ) -> Int {
    let run = runs[index]
    var (filled, sent) = (0, 0)
    func flush() {
      sent += filled
      sendAll(singles.messages, count: filled, on: descriptor) { single, bytes in
        sent -= 1
        refused(numbers[single], bytes)
      }
      filled = 0
    }
    for piece in run.firstPiece..<run.firstPiece + run.pieceCount {
      for position in 0..<pieces[piece].count {
        put(pieces[piece].payloads[position], of: index, at: filled)
        numbers[filled] = pieces[piece].number + position
        filled += 1
        if filled == singles.capacity { flush() }
      }
    }
    flush()
    return sent
  }

  private func put(_ payload: UnsafeRawBufferPointer, of index: Int, at single: Int) {
    singles.vectors[single] = iovec(
      iov_base: UnsafeMutableRawPointer(mutating: payload.baseAddress), iov_len: payload.count)
    singles.messages[single].message = messages[index].message
    singles.messages[single].message.msg_iov = singles.vectors + single
    singles.messages[single].message.msg_iovlen = 1
    singles.messages[single].message.msg_controllen = runs[index].sourceControl
  }
}
