import Basics
import EventLoop
import Sockets

/// One loop's part of the echo server: its sockets, in batches.
actor EchoWorker: LoopActor {
  nonisolated let loop: EventLoop
  private let filter: SourceFilter
  private let limiter: Locked<RateLimiter>
  private let observer: EchoServer.Observer?
  private let batch = DatagramBatch(capacity: Limits.echoBatch, datagramSize: Limits.receiveBuffer)
  /// What it will listen on when it starts.
  private var waiting: [BoundSocket<UDPSocket>]
  private var listeners: [Listener] = []
  private(set) var counters = EchoCounters()

  /// The worker owns its sockets: when it stops, they are closed.
  init(
    on loop: EventLoop, sockets: [BoundSocket<UDPSocket>], filter: SourceFilter, limiter: Locked<RateLimiter>,
    observer: EchoServer.Observer?
  ) {
    self.loop = loop
    waiting = sockets
    self.filter = filter
    self.limiter = limiter
    self.observer = observer
  }

  /// A socket of this loop; the other loops have theirs on the same address.
  private struct Listener {
    let socket: BoundSocket<UDPSocket>
    let registration: Registration
    /// The kernel's count of drops, as it was last told.
    var dropped: UInt32 = 0
  }

  func start() throws(SocketError) {
    defer { waiting = [] }
    for socket in waiting {
      let token = listeners.count
      let registration = try loop.register(socket.socket.descriptor, for: .readable, handler: self, token: token)
      listeners.append(Listener(socket: socket, registration: registration))
    }
  }

  func stop() {
    for listener in listeners { loop.deregister(listener.registration) }
    listeners = []
    waiting = []
  }
}

extension EchoWorker: DescriptorHandler {
  nonisolated func descriptorReady(_ readiness: Readiness, token: Int) {
    assumeOnLoop { $0.echo(token) }
  }

  /// Answers what is queued, some batches of it: the rest is told again next turn, after others had theirs.
  private func echo(_ index: Int) {
    let socket = listeners[index].socket
    for _ in 0..<Limits.echoBatchesPerTurn {
      guard let taken = receive(from: socket), taken > 0 else { return }
      for position in 0..<taken { consider(position) }
      noteKernelDrops(index)
      sendReplies(on: socket)
      if taken < batch.capacity { return }
    }
  }

  /// nil where the kernel had an error to tell. It concerns some earlier answer, whose receiver is not ours to serve.
  private func receive(from socket: BoundSocket<UDPSocket>) -> Int? {
    do throws(SocketError) { return try batch.receive(from: socket.socket) } catch { return nil }
  }

  private func consider(_ position: Int) {
    let datagram = batch.datagram(at: position)
    counters.received += 1
    counters.bytesReceived += datagram.bytes.count
    if let reason = refusal(of: datagram) {
      counters.dropped[reason, default: 0] += 1
      return
    }
    observer?(datagram.source, datagram.bytes)
    counters.echoed += 1
    counters.bytesEchoed += datagram.bytes.count
    batch.addReply(to: datagram, at: position)
  }

  private func refusal(of datagram: BatchedDatagram) -> DropReason? {
    let source = datagram.source
    let (destination, hopLimit) = (datagram.destination, datagram.hopLimit)
    if let reason = filter.refusal(source: source, destination: destination, hopLimit: hopLimit) { return reason }
    guard filter.isBounded(source.ip) else { return nil }
    let wait = limiter.withLock { $0.take(from: source.ip.network, at: loop.now) }
    return wait == nil ? nil : .rateLimited
  }

  /// What was counted as echoed while the batch was read is taken back where the kernel refuses it.
  private func sendReplies(on socket: BoundSocket<UDPSocket>) {
    batch.sendReplies(on: socket.socket) { bytes in
      counters.echoed -= 1
      counters.bytesEchoed -= bytes
      counters.dropped[.sendFailed, default: 0] += 1
    }
  }

  private func noteKernelDrops(_ index: Int) {
    guard let dropped = batch.droppedByKernel else { return }
    counters.receiveBufferFull += Int(dropped &- listeners[index].dropped)
    listeners[index].dropped = dropped
  }
}
