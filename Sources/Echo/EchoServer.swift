public import Basics
public import EventLoop
public import Sockets

/// A UDP echo server over all loops: every datagram goes back as it came, to where it came from, from the address that
/// it was sent to (RFC 862). One in, at most one out, the same length.
public final class EchoServer: Sendable {
  /// Is shown every datagram that is answered, on the loop that answers it; the bytes are good for the call only.
  public typealias Observer = @Sendable (_ source: SocketAddress, _ bytes: UnsafeRawBufferPointer) -> Void

  /// Where it listens, ports known.
  public let addresses: [SocketAddress]
  private let workers: [EchoWorker]

  /// Binds a server to addresses; it answers from ``start()`` on.
  ///
  /// Each loop has a socket of its own on each address, and the kernel spreads the senders over them.
  ///
  /// - Parameter rate: datagrams a second that are answered for an IPv4 /24 or IPv6 /64 of public addresses.
  /// - Throws: ``BindError``, naming the address that could not be had.
  public init(
    on loops: [EventLoop], addresses: [SocketAddress], rate: Int = Limits.defaultEchoRate, observer: Observer? = nil
  ) throws(BindError) {
    var sockets: [[BoundSocket<UDPSocket>]] = []
    for address in addresses { sockets.append(try Self.bind(address, beside: addresses, count: loops.count)) }
    let bound = sockets.map { $0[0].address }
    let networks = LocalNetworks()
    let filter = SourceFilter(own: bound, interfaces: networks.addresses, broadcasts: networks.broadcasts)
    // One for all loops: the kernel spreads a sender's ports over them, and each would grant the whole rate.
    let limiter = Locked(RateLimiter(rate: rate))
    self.addresses = bound
    workers = loops.indices.map { index in
      EchoWorker(
        on: loops[index], sockets: sockets.map { $0[index] }, filter: filter, limiter: limiter, observer: observer)
    }
  }

  private static func bind(
    _ address: SocketAddress, beside all: [SocketAddress], count: Int
  ) throws(BindError) -> [BoundSocket<UDPSocket>] {
    do throws(SocketError) {
      let dualStack = address.takesIPv4(beside: all)
      let first = try BoundSocket(Self.socket(at: address, .first, dualStack))
      var sockets = [first]
      for _ in 1..<max(1, count) {
        sockets.append(try BoundSocket(Self.socket(at: first.address, .joining, dualStack)))
      }
      return sockets
    } catch {
      throw BindError(address: address, transport: .udp, cause: error)
    }
  }

  private static func socket(
    at address: SocketAddress, _ sharing: UDPSocket.PortSharing, _ dualStack: Bool
  ) throws(SocketError) -> UDPSocket {
    try UDPSocket.bound(to: address, sharing: sharing, hopLimit: Limits.echoHopLimit, dualStack: dualStack)
  }

  /// Begins to answer.
  public func start() async throws(SocketError) {
    for worker in workers { try await worker.start() }
  }

  /// Answers nothing more, and lets go of its ports.
  public func stop() async {
    for worker in workers { await worker.stop() }
  }

  /// What all loops have done so far.
  public var counters: EchoCounters {
    get async {
      var sum = EchoCounters()
      for worker in workers { sum = sum + (await worker.counters) }
      return sum
    }
  }
}
