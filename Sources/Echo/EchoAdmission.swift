import Basics
import Sockets

/// Whom the echo server answers, and how often: what all its loops share.
struct EchoAdmission: Sendable {
  let filter: SourceFilter
  /// One for all loops: the kernel spreads a sender's ports over them, and each would grant the whole rate.
  let limiter: Locked<RateLimiter>

  /// Why a datagram is not answered; nil where it is, which then is charged to the rate.
  func refusal(of datagram: BatchedDatagram, at now: MonotonicTime) -> DropReason? {
    let source = datagram.source
    let (destination, hopLimit) = (datagram.destination, datagram.hopLimit)
    if let reason = filter.refusal(source: source, destination: destination, hopLimit: hopLimit) { return reason }
    return grants(source.ip, at: now) ? nil : .rateLimited
  }

  /// Whether the rate leaves one more reply to an address.
  func grants(_ source: IPAddress, at now: MonotonicTime) -> Bool {
    guard filter.isBounded(source) else { return true }
    return limiter.withLock { $0.take(from: source.network, at: now) } == nil
  }
}
