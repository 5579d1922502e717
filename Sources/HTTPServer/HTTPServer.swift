import Basics
public import EventLoop
public import Sockets
public import TLS

/// An HTTP server over all loops: libmicrohttpd reads and writes HTTP; listening, limits and loops are ours.
public final class HTTPServer: Sendable {
  /// Is told what an operator should hear of, on whatever loop it happens.
  public typealias Log = @Sendable (HTTPServerEvent) -> Void

  /// Where it listens, ports known.
  public let addresses: [SocketAddress]
  let workers: [HTTPWorker]
  private let acceptor: Acceptor
  private let status: ServerStatus
  private let certificate: Locked<TLSCertificate>?

  /// Listens on addresses; connections are served from ``start()`` on.
  ///
  /// - Parameters:
  ///   - loops: each with the application that answers on it; the first also accepts.
  ///   - inherited: listeners that are there already, beside `addresses`.
  ///   - maxConnections: past it a request gets its 503.
  ///   - certificate: what every connection is encrypted with; nil for none.
  /// - Throws: ``BindError``, naming the address that could not be had.
  public init(
    on loops: [(loop: EventLoop, application: any HTTPApplication)], addresses: [SocketAddress],
    inherited: [InheritedSocket] = [], maxConnections: Int,
    deadlines: HTTPDeadlines = HTTPDeadlines(), certificate: TLSCertificate? = nil, log: @escaping Log
  ) throws(BindError) {
    var sockets: [BoundSocket<TCPListener>] = []
    for address in addresses { sockets.append(try Self.listen(on: address, beside: addresses)) }
    for given in inherited { sockets.append(try Self.take(given)) }
    self.addresses = sockets.map(\.address)
    let status = ServerStatus(maxConnections: maxConnections)
    self.status = status
    let certificate = certificate.map { Locked($0) }
    self.certificate = certificate
    workers = loops.map {
      HTTPWorker(
        on: $0.loop, application: $0.application, status: status, deadlines: deadlines, certificate: certificate,
        log: log)
    }
    acceptor = Acceptor(on: loops[0].loop, sockets: sockets, workers: workers, status: status, log: log)
  }

  private static func listen(
    on address: SocketAddress, beside all: [SocketAddress]
  ) throws(BindError) -> BoundSocket<TCPListener> {
    do throws(SocketError) {
      return try BoundSocket(TCPListener(on: address, dualStack: address.takesIPv4(beside: all)))
    } catch {
      throw BindError(address: address, transport: .tcp, cause: error)
    }
  }

  private static func take(_ inherited: InheritedSocket) throws(BindError) -> BoundSocket<TCPListener> {
    do throws(SocketError) {
      return try BoundSocket(TCPListener(inheriting: inherited))
    } catch {
      throw BindError(address: inherited.address, transport: .tcp, cause: error)
    }
  }

  /// Connections that are open now.
  public var connections: Int { status.connections }
  /// Connections that were closed unheard because there were too many.
  public var connectionsClosed: Int { status.closed }
  /// Bytes of bodies that are kept until their requests are whole, at most ``Limits/bufferedBodies``.
  public var bufferedBytes: Int { status.buffered }

  /// Whether the libmicrohttpd that runs can encrypt.
  public static var canEncrypt: Bool { Daemon.canEncrypt }

  /// What new connections are shown; nil where nothing is encrypted.
  public var shown: TLSCertificate? { certificate?.withLock { $0 } }

  /// Shows new connections another certificate from now on; those that are open go on with theirs.
  ///
  /// - Precondition: the server was made with a certificate.
  public func show(_ certificate: TLSCertificate) {
    guard let current = self.certificate else { preconditionFailure("a server without TLS shows no certificate") }
    current.withLock { $0 = certificate }
  }

  /// Begins to serve.
  public func start() async throws(SocketError) {
    for worker in workers {
      try await worker.loop.execute { Result { () throws(SocketError) in try worker.start() } }.get()
    }
    try await acceptor.start()
  }

  /// Takes no connection that the kernel has not queued already, and waits until every request that was begun has its
  /// answer. What comes on kept-alive connections meanwhile is refused.
  public func drain() async {
    for worker in workers { await worker.loop.execute { worker.beginDraining() } }
    await acceptor.stop()
    for worker in workers { await worker.drained() }
  }

  /// Closes all connections, after ``drain()``.
  public func stop() async {
    for worker in workers { await worker.loop.execute { worker.stop() } }
  }
}
