import Basics
import CMicroHTTPD
import EventLoop
import Glibc
import Sockets
import Synchronization
import TLS

/// One loop's part of the HTTP server: its daemons of libmicrohttpd and the connections that were given to it.
///
/// libmicrohttpd is run at the end of a turn (`HTTPWorker+Daemons`). It calls back (`HTTPWorker+Callbacks`), a request
/// goes through its phases (`HTTPWorker+Requests`); what its application does about it happens on this loop, too.
///
/// `@unchecked Sendable`: everything but ``load`` is touched on its loop's thread alone, as every entry asserts. It is
/// no actor, since C enters it: to enter an actor from there took two allocations and a question to the runtime, six
/// times a message.
final class HTTPWorker: @unchecked Sendable {
  let loop: EventLoop
  let application: any HTTPApplication
  let status: ServerStatus
  let deadlines: HTTPDeadlines
  /// What new connections are shown; nil where nothing is encrypted.
  let certificate: Locked<TLSCertificate>?
  /// How many connections this worker has; the acceptor reads it from its own loop.
  let load = Atomic<Int>(0)

  /// Filled one after the other: few connections share one, and are served by one run.
  var daemons: [Daemon] = []
  /// Whose turn is next: of those with answers, and of those with something to read.
  var nextAnswering = 0, nextReading = 0
  /// Requests whose line was read in this turn.
  var requestsBegun = 0
  /// How long libmicrohttpd is kept from asking for an answer that is not there; then its connection is suspended.
  var patience = HTTPWorker.leastPatience
  /// By descriptor; nil where none is open.
  var connections: [HTTPConnection?] = []
  /// Connections that no request line has come on.
  var silentConnections = 0
  /// Requests whose line is read and that are not answered to the end.
  var requestsUnderWay = 0
  /// The daemon that is being run just now.
  var running: Daemon?
  var keptResponses = KeptResponses()
  /// The connection that is being given to libmicrohttpd just now.
  var arriving: HTTPConnection?
  var nextSweep = MonotonicTime.now()
  var drain: Drain?
  let log: HTTPServer.Log
  /// libmicrohttpd is about to say that an answer cannot go on whose client has gone, which is nobody's error.
  var mutesNextLine = false

  init(
    on loop: EventLoop, application: any HTTPApplication, status: ServerStatus, deadlines: HTTPDeadlines,
    certificate: Locked<TLSCertificate>?, log: @escaping HTTPServer.Log
  ) {
    self.loop = loop
    self.application = application
    self.status = status
    self.deadlines = deadlines
    self.certificate = certificate
    self.log = log
  }

  /// Begins to serve the connections that it will be given. On the loop, as ``stop()``.
  func start() throws(SocketError) {
    loop.assertCurrent()
    guard try startDaemon() else { preconditionFailure("libmicrohttpd cannot start a daemon with epoll") }
    loop.addTurnHandler(self)
  }

  /// Ends all connections. Their requests have ended: see ``drained()``.
  func stop() {
    loop.removeTurnHandler(self)
    for case let connection? in connections where connection.isHeld { drop(connection) }
    for daemon in daemons {
      loop.deregister(daemon.registration!)
      daemon.stop()
    }
    daemons = []
  }
}

// MARK: - Connections

extension HTTPWorker {
  /// Serves a connection that the acceptor took. From any thread; on this worker's loop at once.
  func adopt(_ descriptor: Int32, peer: SocketAddress, refusal: HTTPRefusal?) {
    load.add(1, ordering: .relaxed)
    if loop.isCurrent {
      adoptNow(descriptor, peer, refusal)
    } else {
      loop.submit { self.adoptNow(descriptor, peer, refusal) }
    }
  }

  private func adoptNow(_ descriptor: Int32, _ peer: SocketAddress, _ refusal: HTTPRefusal?) {
    let deadline = loop.now + deadlines.head
    let connection = HTTPConnection(
      of: self, descriptor: descriptor, peer: peer, refusal: refusal, deadline: deadline)
    guard !daemons.isEmpty else { return refuse(connection) }
    do throws(SocketError) {
      connection.registration = try loop.register(
        descriptor, for: [.readable, .peerEnded, .edgeTriggered], handler: self, token: Int(descriptor))
    } catch {
      log(.cannotWatch(error))
      return refuse(connection)
    }
    let index = Int(descriptor)
    while connections.count <= index { connections.append(nil) }
    connections[index] = connection
    silentConnections += 1
  }

  /// Gives libmicrohttpd a connection whose first head begins behind `offset` bytes, if that is known.
  func handOver(_ connection: HTTPConnection, firstHeadBehind offset: UInt?) {
    connection.isHeld = false
    connection.origin = HeadOrigin(firstBehind: offset)
    // For ends only from now on: libmicrohttpd does not look at suspended connections, nor for an end that came with
    // the data before it. Where that fails, what can be read is told all the same, and of no interest.
    try? loop.reregister(connection.registration!, connection.descriptor, for: [.peerEnded, .edgeTriggered])
    let daemon = daemonWithRoom()
    connection.daemon = daemon
    daemon.takes(connection)
    if certificate != nil { daemon.shakingHands += 1 }
    arriving = connection
    let isAdded = connection.peer.withSockaddr { daemon.add(connection.descriptor, $0, $1) }
    arriving = nil
    daemon.needsRun = true
    // Closed it is in any case; one that libmicrohttpd took up before it has told so.
    if !isAdded, !connection.isClosed { closed(connection) }
  }

  /// The first request of a connection has begun, or the connection ends without one.
  func isNoLongerSilent(_ connection: HTTPConnection) {
    silentConnections -= 1
    if certificate != nil { connection.daemon?.shakingHands -= 1 }
  }

  private func refuse(_ connection: HTTPConnection) {
    _ = Descriptor(owning: connection.descriptor)
    forget(connection)
  }

  private func forget(_ connection: HTTPConnection) {
    load.subtract(1, ordering: .relaxed)
    status.close(from: connection.peer.ip)
  }

  /// A connection is about to be closed, or has been.
  func closed(_ connection: HTTPConnection) {
    if let registration = connection.registration { loop.deregister(registration) }
    connections[Int(connection.descriptor)] = nil
    connection.isClosed = true
    connection.daemon?.forgets(connection)
    if case .waiting = connection.phase {
      if connection.requests == 0 { isNoLongerSilent(connection) }
    } else {
      requestsUnderWay -= 1
    }
    forget(connection)
  }
}

// MARK: - Turns

extension HTTPWorker: DescriptorHandler, TurnHandler {
  func descriptorReady(_ readiness: Readiness, token: Int) {
    loop.assertCurrent()
    if let daemon = daemon(of: token) { return daemon.needsRun = true }
    if readiness.contains(.error) || readiness.contains(.hangUp) { return clientIsGone(token) }
    // What came before the end is looked at first.
    if readiness.contains(.readable) { bytesArrived(token) }
    if readiness.contains(.peerEnded) { clientEnded(token) }
  }

  func turnEnds() -> MonotonicTime? {
    loop.assertCurrent()
    return endTurn()
  }

  /// The client will send nothing more, but may read its answer; the connection ends with that. Without a request it
  /// ends soon: one that came with the end is about to be read.
  private func clientEnded(_ descriptor: Int) {
    guard let connection = connections[descriptor] else { return }
    // One that was refused ends when both sides have ended it.
    if connection.isHeld, !connection.isAnsweredPast { return drop(connection) }
    if !connection.hasEnded { connection.daemon?.justEnded.append(connection) }
    connection.hasEnded = true
    switch connection.phase {
    case .waiting: connection.deadline = loop.now + Limits.deadlineSweep
    // What is missing will not come; what has come is read by then.
    case .target, .body, .refused: connection.deadline = loop.now + Limits.endedDeadline
    case .responding, .answered, .sending: break
    }
  }

  /// Both directions of a connection are closed. Whoever works for it is told; libmicrohttpd finds out when it goes on.
  private func clientIsGone(_ descriptor: Int) {
    guard let connection = connections[descriptor] else { return }
    if connection.isHeld { return drop(connection) }
    connection.work?.cancel()
    connection.stream?.end = .gone
    resume(connection)
  }
}
