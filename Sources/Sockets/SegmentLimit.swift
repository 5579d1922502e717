import SystemPackage

/// Up to which size the kernel sends datagrams as one (udp(7), `UDP_SEGMENT`): learned from its refusals, for good.
///
/// What it refuses so goes one by one; remembering spares the attempt. One limit for all receivers is rough: a
/// path of a small MTU slows what goes on others too, by what this gains at most.
struct SegmentLimit {
  private var largest = Int.max

  /// Whether datagrams of a size may go as one.
  func allows(_ size: Int) -> Bool { size <= largest }

  /// Learns that the kernel would not send datagrams of a size as one, but one by one.
  mutating func learn(_ errno: Errno, size: Int) {
    switch errno {
    // The path takes no datagram of this size in one piece.
    case .invalidArgument, .messageTooLong: largest = min(largest, size - 1)
    // The device cannot (it has no checksum offload), or the path cannot (IPsec).
    case .ioError, .protocolNotAvailable, .notSupportedOnSocket: largest = 0
    // Nothing to do with it: the buffer was full, a filter said no.
    default: break
    }
  }
}
