public import Basics
public import EventLoop
public import Sockets

/// A UDP echo server over all loops: every datagram goes back as it came, to where it came from, from the address that
/// it was sent to (RFC 862). One in, at most one out, the same length; but for what ``impair(_:)`` asks for.
public final class EchoServer: Sendable {
  /// Is shown every datagram that is not refused, on the loop that reads it; the bytes are good for the call only.
  public typealias Observer = @Sendable (_ source: SocketAddress, _ bytes: UnsafeRawBufferPointer) -> Void

  /// Where it listens, ports known.
  public let addresses: [SocketAddress]
  /// What it saw; nil where nothing is recorded.
  public let log: DatagramLog?
  private let workers: [EchoWorker]
  private let impaired: ImpairedEcho
  private let initialImpairments: Impairments

  /// Binds a server to addresses; it answers from ``start(whenImpairmentsExpire:)`` on.
  ///
  /// Each loop has a socket of its own on each address, and the kernel spreads the senders over them. Inherited sockets
  /// are dealt out to the loops as they are: the kernel lets no other join that is not of the same user (socket(7),
  /// `SO_REUSEPORT`), and on two loops one socket's replies would overtake each other.
  ///
  /// - Parameters:
  ///   - inherited: UDP sockets that are bound already, beside `addresses`; closed when the server stops.
  ///   - rate: datagrams a second that are answered for an IPv4 /24 or IPv6 /64 of public addresses.
  ///   - impairments: what is done to datagrams from the start; without a ``Impairments/fault``.
  ///   - log: where every datagram is recorded, refused ones included.
  /// - Throws: ``BindError``, naming the address that could not be had.
  public init(
    on loops: [EventLoop], addresses: [SocketAddress], inherited: [InheritedSocket] = [],
    rate: Int = Limits.defaultEchoRate,
    impairments: Impairments = Impairments(), log: DatagramLog? = nil, observer: Observer? = nil
  ) throws(BindError) {
    let listeners = try Self.bind(addresses, inherited, count: loops.count, isStamped: log != nil)
    let bound = listeners.first.map(\.address)
    let networks = LocalNetworks()
    let filter = SourceFilter(own: bound, interfaces: networks.addresses, broadcasts: networks.broadcasts)
    let admission = EchoAdmission(filter: filter, limiter: Locked(RateLimiter(rate: rate)))
    self.addresses = bound
    initialImpairments = impairments
    self.log = log
    impaired = ImpairedEcho(on: loops[0], sockets: listeners.first, admission: admission, log: log)
    workers = loops.indices.map { index in
      EchoWorker(
        on: loops[index], sockets: listeners.ofLoops[index], admission: admission, log: log, observer: observer)
    }
  }

  /// What is listened on: the first socket of each address, and the sockets of each loop with the places of their
  /// addresses among these.
  private typealias Listeners = (
    first: [BoundSocket<UDPSocket>], ofLoops: [[(place: Int, socket: BoundSocket<UDPSocket>)]]
  )

  private static func bind(
    _ addresses: [SocketAddress], _ inherited: [InheritedSocket], count: Int, isStamped: Bool
  ) throws(BindError) -> Listeners {
    var listeners: Listeners = ([], Array(repeating: [], count: max(1, count)))
    for address in addresses {
      let sockets = try bind(address, beside: addresses, count: count, isStamped: isStamped)
      for (loop, socket) in sockets.enumerated() { listeners.ofLoops[loop].append((listeners.first.count, socket)) }
      listeners.first.append(sockets[0])
    }
    for (turn, given) in inherited.enumerated() {
      let socket = try take(given, isStamped: isStamped)
      let known = listeners.first.firstIndex { $0.address == given.address }
      listeners.ofLoops[turn % listeners.ofLoops.count].append((known ?? listeners.first.count, socket))
      if known == nil { listeners.first.append(socket) }
    }
    return listeners
  }

  private static func take(
    _ inherited: InheritedSocket, isStamped: Bool
  ) throws(BindError) -> BoundSocket<UDPSocket> {
    do throws(SocketError) {
      return try BoundSocket(
        UDPSocket.inheriting(inherited, hopLimit: Limits.echoHopLimit, isStamped: isStamped))
    } catch {
      throw BindError(address: inherited.address, transport: .udp, cause: error)
    }
  }

  private static func bind(
    _ address: SocketAddress, beside all: [SocketAddress], count: Int, isStamped: Bool
  ) throws(BindError) -> [BoundSocket<UDPSocket>] {
    do throws(SocketError) {
      let dualStack = address.takesIPv4(beside: all)
      func socket(at address: SocketAddress, _ sharing: UDPSocket.PortSharing) throws(SocketError) -> UDPSocket {
        try UDPSocket.bound(
          to: address, sharing: sharing, hopLimit: Limits.echoHopLimit, isStamped: isStamped, dualStack: dualStack)
      }
      let first = try BoundSocket(socket(at: address, .first))
      var sockets = [first]
      for _ in 1..<max(1, count) {
        sockets.append(try BoundSocket(socket(at: first.address, .joining)))
      }
      return sockets
    } catch {
      throw BindError(address: address, transport: .udp, cause: error)
    }
  }

  /// Begins to answer.
  ///
  /// - Parameter whenImpairmentsExpire: is called when impairments have ended by themselves, on the first loop.
  public func start(whenImpairmentsExpire: (@Sendable () -> Void)? = nil) async throws(SocketError) {
    await impaired.start(workers, with: initialImpairments, whenExpired: whenImpairmentsExpire)
    for worker in workers {
      try await worker.loop.execute { Result { () throws(SocketError) in try worker.start() } }.get()
    }
  }

  /// Answers nothing more, and lets go of its ports; what impairments held back is lost.
  public func stop() async {
    for worker in workers { await worker.loop.execute { worker.stop() } }
    await impaired.stop()
  }

  /// What all loops have done so far.
  public var counters: EchoCounters {
    get async {
      var sum = await impaired.counters
      for worker in workers { sum = sum + (await worker.loop.execute { worker.counters }) }
      return sum
    }
  }
}

// MARK: - Impairments

extension EchoServer {
  /// What is done to datagrams now, with what remains of its time.
  public var impairments: Impairments {
    get async { await impaired.impairments }
  }

  /// Changes what is done to datagrams; answers what is in force once it is so in every loop.
  ///
  /// What was held back before leaves when it was due to.
  ///
  /// - Throws: the fault of what would come of it; then nothing has changed.
  @discardableResult
  public func impair(_ change: Impairments.Change) async throws(Impairments.Fault) -> Impairments {
    try await impaired.change(change)
  }
}
