import Basics
import CMicroHTTPD
import EventLoop
import Sockets
import Synchronization

/// One loop's part of the HTTP server: its libmicrohttpd daemon and the connections that were given to it.
///
/// libmicrohttpd is run at the end of a turn, once for all that happened in it. It calls back (`HTTPWorker+Callbacks`),
/// a request goes through its phases (`HTTPWorker+Requests`), its application's function runs as a task on this loop.
actor HTTPWorker: LoopActor {
  nonisolated let loop: EventLoop
  let application: any HTTPApplication
  let status: ServerStatus
  let deadlines: HTTPDeadlines
  /// How many connections this worker has; the acceptor reads it from its own loop.
  nonisolated let load = Atomic<Int>(0)

  private var daemon: Daemon?
  /// By descriptor; nil where none is open.
  var connections: [HTTPConnection?] = []
  /// The connection that is being given to libmicrohttpd just now.
  var arriving: HTTPConnection?
  /// libmicrohttpd has something to do.
  var needsRun = false
  /// When it will have something to do in any case.
  private var runsAt: MonotonicTime?
  /// There may be connections that libmicrohttpd would ask about at once and for ever: they wait for an answer and are
  /// not suspended yet.
  var isAwaitingAnswers = false
  var nextSweep = MonotonicTime.now()
  var drain: Drain?
  let log: HTTPServer.Log

  init(
    on loop: EventLoop, application: any HTTPApplication, status: ServerStatus, deadlines: HTTPDeadlines,
    log: @escaping HTTPServer.Log
  ) {
    self.loop = loop
    self.application = application
    self.status = status
    self.deadlines = deadlines
    self.log = log
  }

  /// Begins to serve the connections that it will be given.
  func start() throws(SocketError) {
    let daemon = Daemon(callbacks())
    self.daemon = daemon
    _ = try loop.register(daemon.epollDescriptor, for: .readable, handler: self, token: Self.daemonToken)
    loop.addTurnHandler(self)
  }

  /// Ends all connections. Their requests have ended: see ``drained()``.
  func stop() {
    loop.removeTurnHandler(self)
    daemon?.stop()
    daemon = nil
  }

  /// The epoll token of the daemon; connections have their descriptors.
  private static let daemonToken = -1
}

// MARK: - Connections

extension HTTPWorker {
  /// Serves a connection that the acceptor took. From any thread; on this worker's loop at once.
  nonisolated func adopt(_ descriptor: Int32, peer: SocketAddress, refusal: HTTPRefusal?) {
    load.add(1, ordering: .relaxed)
    if loop.isCurrent {
      assumeOnLoop { $0.adoptNow(descriptor, peer, refusal) }
    } else {
      loop.submit { self.assumeOnLoop { $0.adoptNow(descriptor, peer, refusal) } }
    }
  }

  private func adoptNow(_ descriptor: Int32, _ peer: SocketAddress, _ refusal: HTTPRefusal?) {
    let deadline = loop.now + deadlines.head
    let connection = HTTPConnection(descriptor: descriptor, peer: peer, refusal: refusal, deadline: deadline)
    guard let daemon else { return refuse(connection) }
    do throws(SocketError) {
      // For ends only: libmicrohttpd does not look at suspended connections, nor for an end that came with the data
      // before it.
      connection.registration = try loop.register(
        descriptor, for: [.peerEnded, .edgeTriggered], handler: self, token: Int(descriptor))
    } catch {
      log(.cannotWatch(error))
      return refuse(connection)
    }
    arriving = connection
    let isAdded = peer.withSockaddr { daemon.add(descriptor, $0, $1) }
    arriving = nil
    needsRun = true
    // One that libmicrohttpd took up and could not keep it has closed, and told so: see ``closed(_:)``.
    guard isAdded || connection.isClosed else {
      loop.deregister(connection.registration!)
      return forget(connection)
    }
  }

  private func refuse(_ connection: HTTPConnection) {
    _ = Descriptor(owning: connection.descriptor)
    forget(connection)
  }

  private func forget(_ connection: HTTPConnection) {
    load.subtract(1, ordering: .relaxed)
    status.close(from: connection.peer.ip)
  }

  /// libmicrohttpd took a connection.
  func opened(_ connection: HTTPConnection) {
    let index = Int(connection.descriptor)
    while connections.count <= index { connections.append(nil) }
    connections[index] = connection
  }

  /// libmicrohttpd is about to close a connection.
  func closed(_ connection: HTTPConnection) {
    if let registration = connection.registration { loop.deregister(registration) }
    connections[Int(connection.descriptor)] = nil
    connection.isClosed = true
    forget(connection)
  }
}

// MARK: - Turns

extension HTTPWorker: DescriptorHandler, TurnHandler {
  nonisolated func descriptorReady(_ readiness: Readiness, token: Int) {
    assumeOnLoop { worker in
      if token == Self.daemonToken { return worker.needsRun = true }
      if readiness.contains(.error) || readiness.contains(.hangUp) { return worker.clientIsGone(token) }
      if readiness.contains(.peerEnded) { worker.clientEnded(token) }
    }
  }

  nonisolated func turnEnds() -> MonotonicTime? {
    assumeOnLoop { $0.endTurn() }
  }

  private func endTurn() -> MonotonicTime? {
    sweepIfDue()
    guard let daemon else { return nil }
    if let runsAt, runsAt <= loop.now { needsRun = true }
    // A stream whose writer and reader keep up would go on for ever: after a few rounds others have their turn.
    var hasRun = false
    for _ in 0..<Limits.runsPerTurn where needsRun {
      hasRun = true
      needsRun = false
      isAwaitingAnswers = false
      daemon.run()
      loop.runJobs()
    }
    if needsRun { return .now() }
    // Only a run changes what it waits for. Asked in every turn, patience would begin anew in every turn.
    if hasRun { runsAt = daemon.timeout.map { .now() + (isAwaitingAnswers ? max($0, Self.patience) : $0) } }
    guard load.load(ordering: .relaxed) > 0 else { return runsAt }
    return min(nextSweep, runsAt ?? nextSweep)
  }

  /// How long libmicrohttpd is kept from asking for answers that are not there; then their connections are suspended.
  static let patience = Nanoseconds.milliseconds(1)

  /// The client will send nothing more, but may read its answer; the connection ends with that. Without a request it
  /// ends soon: one that came with the end is about to be read.
  private func clientEnded(_ descriptor: Int) {
    guard let connection = connections[descriptor] else { return }
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
    connection.task?.cancel()
    connection.stream?.end = .failed
    resume(connection)
  }
}
