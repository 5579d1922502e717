import Basics

/// The local ports that the gateway sends from, over all loops, so that an echo server can tell its messages from
/// others'. From any thread.
///
/// By number alone: a program on this machine that has the same port on another of its addresses is not told apart.
public final class RelayPorts: Sendable {
  /// A counter a port: 256 KiB.
  private let counts = AtomicCounts(size: 1 << 16)

  /// No ports yet.
  public init() {}

  /// A socket of the gateway's is bound to a port, and nothing was sent from it yet. Several may be, on different
  /// addresses.
  public func opened(_ port: UInt16) {
    counts.add(1, to: Int(port))
  }

  /// A socket that was ``opened(_:)`` is about to be closed.
  public func closed(_ port: UInt16) {
    counts.add(-1, to: Int(port))
  }

  /// Whether some socket of the gateway's is bound to a port.
  public func contains(_ port: UInt16) -> Bool {
    counts[Int(port)] > 0
  }
}
