import Basics
import SystemPackage

/// Which datagrams the kernel does not send as one (udp(7), `UDP_SEGMENT`): learned from its refusals, for
/// ``Limits/segmentRetry``. What it refuses so goes one by one; remembering spares the attempt.
struct SegmentLimit {
  /// What is known of the paths to some receivers, the newest last.
  private var paths: [Path] = []
  /// Until when no path is tried: the device cannot.
  private var retryAt: MonotonicTime?

  /// The path to a receiver takes no datagram in one piece that is larger.
  private struct Path {
    var receiver: IPAddress
    var largest: Int
    var retryAt: MonotonicTime
  }

  init() {
    paths.reserveCapacity(Limits.limitedPaths)
  }

  /// Whether nothing is known, and all may be tried.
  var isEmpty: Bool { paths.isEmpty && retryAt == nil }

  /// Whether datagrams of a size may go as one to a receiver.
  func allows(_ size: Int, to receiver: IPAddress) -> Bool {
    if isEmpty { return true }
    return retryAt == nil && !paths.contains { $0.receiver == receiver && size > $0.largest }
  }

  /// Learns that the kernel would not send datagrams of a size as one, but one by one.
  mutating func learn(_ errno: Errno, size: Int, to receiver: IPAddress, at now: MonotonicTime) {
    switch errno {
    case .invalidArgument, .messageTooLong:
      add(Path(receiver: receiver, largest: size - 1, retryAt: now + Limits.segmentRetry))
    // The device cannot (it has no checksum offload), or IPsec is on the way.
    case .ioError, .protocolNotAvailable, .notSupportedOnSocket: retryAt = now + Limits.segmentRetry
    // Nothing to do with it: the buffer was full, a filter said no.
    default: break
    }
  }

  private mutating func add(_ path: Path) {
    paths.removeAll { $0.receiver == path.receiver }
    if paths.count == Limits.limitedPaths { paths.removeFirst() }
    paths.append(path)
  }

  /// Forgets what is to be tried again.
  mutating func forget(by now: MonotonicTime) {
    if let retryAt, retryAt <= now { self.retryAt = nil }
    paths.removeAll { $0.retryAt <= now }
  }
}
