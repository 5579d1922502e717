import CLinux
import Glibc

/// The memory for the datagrams of one system call (recvmmsg(2), sendmmsg(2)), made once: each has a slot for its
/// payload, its address and its control messages.
///
/// Pages of the payloads that no datagram reaches are never touched: 64 slots of 64 KiB are 4 MiB of address space, and
/// of memory only what the longest datagram of each slot took.
struct DatagramSlots: ~Copyable {
  /// How many datagrams there is room for.
  let capacity: Int
  /// How long a payload may be, in bytes.
  let datagramSize: Int
  let names: UnsafeMutablePointer<sockaddr_storage>
  let controls: UnsafeMutablePointer<ControlBuffer>
  let vectors: UnsafeMutablePointer<iovec>
  /// Each points to its slot's name, vector and control messages.
  let messages: UnsafeMutablePointer<clinux_mmsghdr>
  private let payloads: UnsafeMutableRawPointer
  /// From one payload to the next: an odd number of cache lines, or the heads of all would share a few sets of the
  /// processor's cache.
  private let stride: Int

  init(capacity: Int, datagramSize: Int) {
    self.capacity = capacity
    self.datagramSize = datagramSize
    stride = ((datagramSize + 63) / 64 | 1) * 64
    payloads = .allocate(byteCount: capacity * stride, alignment: 64)
    names = .allocate(capacity: capacity)
    names.initialize(repeating: sockaddr_storage(), count: capacity)
    controls = .allocate(capacity: capacity)
    controls.initialize(repeating: ControlBuffer(), count: capacity)
    vectors = .allocate(capacity: capacity)
    vectors.initialize(repeating: iovec(), count: capacity)
    messages = .allocate(capacity: capacity)
    messages.initialize(repeating: clinux_mmsghdr(), count: capacity)
    for slot in 0..<capacity { prepare(slot) }
  }

  deinit {
    payloads.deallocate()
    names.deallocate()
    controls.deallocate()
    vectors.deallocate()
    messages.deallocate()
  }

  private func prepare(_ slot: Int) {
    vectors[slot] = iovec(iov_base: payload(slot), iov_len: datagramSize)
    messages[slot].message.msg_name = UnsafeMutableRawPointer(names + slot)
    messages[slot].message.msg_iov = vectors + slot
    messages[slot].message.msg_iovlen = 1
    messages[slot].message.msg_control = UnsafeMutableRawPointer(controls + slot)
  }

  /// Where a slot's payload is.
  func payload(_ slot: Int) -> UnsafeMutableRawPointer { payloads + slot * stride }
}

/// Room for the control messages of one datagram, aligned as cmsghdr wants it. Of what is received packet information
/// (IPv6's is the longest, 40 bytes), the hop limit, the count of drops and the size of a burst's datagrams (24 each)
/// and a timestamp (32) are 144 bytes; a socket of a service manager's may tell IPv4's packet information (32) as well.
struct ControlBuffer {
  var bytes:
    (
      UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64,
      UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64
    ) =
      (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
}
