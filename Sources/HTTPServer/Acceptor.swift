import Basics
import EventLoop
import Sockets

/// Takes connections on one loop and gives each to the worker that has fewest.
///
/// One acceptor, since many would not share: with `EPOLLEXCLUSIVE` alone one loop got 63 to 65 of 65 connections, and
/// with a listener a loop (`SO_REUSEPORT`) a loop at its bound leaves its clients hanging.
actor Acceptor: LoopActor {
  nonisolated let loop: EventLoop
  private let workers: [HTTPWorker]
  private let status: ServerStatus
  private let log: HTTPServer.Log
  /// What it will listen on when it starts.
  private var waiting: [BoundSocket<TCPListener>]
  private var listeners: [(socket: BoundSocket<TCPListener>, registration: Registration)] = []

  /// The acceptor owns the sockets: when it stops, nobody listens any more.
  init(
    on loop: EventLoop, sockets: [BoundSocket<TCPListener>], workers: [HTTPWorker], status: ServerStatus,
    log: @escaping HTTPServer.Log
  ) {
    self.loop = loop
    waiting = sockets
    self.workers = workers
    self.status = status
    self.log = log
  }

  func start() throws(SocketError) {
    defer { waiting = [] }
    for socket in waiting {
      let token = listeners.count
      let registration = try loop.register(socket.socket.descriptor, for: .readable, handler: self, token: token)
      listeners.append((socket, registration))
    }
  }

  /// Takes what the kernel has queued, which closing would reset, and listens no more.
  func stop() {
    for index in listeners.indices {
      for _ in 0..<Limits.listenBacklog where !accept(from: index) { break }
    }
    for listener in listeners { loop.deregister(listener.registration) }
    listeners = []
    waiting = []
  }
}

extension Acceptor: DescriptorHandler, TimerHandler {
  nonisolated func descriptorReady(_ readiness: Readiness, token: Int) {
    assumeOnLoop { acceptor in
      for _ in 0..<Limits.acceptsPerTurn where !acceptor.accept(from: token) { return }
    }
  }

  /// Takes one connection; false where there is none, or none that could be taken.
  private func accept(from index: Int) -> Bool {
    do throws(SocketError) {
      guard let connection = try listeners[index].socket.socket.accept() else { return false }
      place(connection)
      return true
    } catch {
      pause(index, because: error)
      return false
    }
  }

  private func place(_ connection: consuming AcceptedConnection) {
    let peer = connection.peer
    let worker = workers.min { $0.load.load(ordering: .relaxed) < $1.load.load(ordering: .relaxed) }!
    switch status.open(from: peer.ip) {
    case .served: worker.adopt(connection.release(), peer: peer, refusal: nil)
    case .refused(let refusal):
      log(.overLimit(refusal))
      worker.adopt(connection.release(), peer: peer, refusal: refusal)
    case .closed: log(.closedUnheard)
    }
  }

  /// Out of descriptors, the connection stays queued and the listener ready: asked again at once, it would answer the
  /// same. A tenth of a second is soon enough.
  private func pause(_ index: Int, because error: SocketError) {
    log(.cannotAccept(error))
    watch(index, for: [])
    _ = loop.schedule(at: loop.now + .milliseconds(100), handler: self, token: index)
  }

  nonisolated func timerFired(_ token: Int) {
    assumeOnLoop { acceptor in
      if token < acceptor.listeners.count { acceptor.watch(token, for: .readable) }
    }
  }

  private func watch(_ index: Int, for interest: Readiness) {
    let (socket, registration) = listeners[index]
    do throws(SocketError) {
      try loop.reregister(registration, socket.socket.descriptor, for: interest)
    } catch {
      preconditionFailure("\(error)")  // Changing what exists needs no memory (epoll_ctl(2)).
    }
  }
}
