import Basics
import Sockets

/// Whom the echo server answers, and how often: what all its loops share.
struct EchoAdmission: Sendable {
  let filter: SourceFilter
  /// One for all loops: the kernel spreads a sender's ports over them, and each would grant the whole rate.
  let limiter: Locked<RateLimiter>

  /// How many datagrams of a burst are answered, the first ones, each of which is charged to the rate; and why the
  /// rest of them is not.
  ///
  /// Part of whoever asks, as ``SourceFilter/refusal(source:destination:hopLimit:)`` is: a datagram's addresses stay in
  /// registers, 10 % of its instructions.
  @inline(__always)
  func admit(_ burst: DatagramBurst, at now: MonotonicTime) -> (count: Int, refusal: DropReason) {
    let refusal = filter.refusal(source: burst.source, destination: burst.destination, hopLimit: burst.hopLimit)
    if let refusal { return (0, refusal) }
    let count = burst.payloads.count
    guard filter.isBounded(burst.source.ip) else { return (count, .rateLimited) }
    let network = burst.source.ip.network
    let granted = limiter.withLock { limiter in
      (0..<count).firstIndex { _ in limiter.take(from: network, at: now) != nil } ?? count
    }
    return (granted, .rateLimited)
  }

  /// Whether the rate leaves one more reply to an address.
  func grants(_ source: IPAddress, at now: MonotonicTime) -> Bool {
    guard filter.isBounded(source) else { return true }
    return limiter.withLock { $0.take(from: source.network, at: now) } == nil
  }
}
