import Basics
import EventLoop
import Sockets

/// One loop's part of the echo server: its sockets, in batches.
actor EchoWorker: LoopActor {
  nonisolated let loop: EventLoop
  private let admission: EchoAdmission
  private let observer: EchoServer.Observer?
  private let log: DatagramLog?
  /// What is known of the batch at hand; nil where nothing is recorded.
  private var notes: BatchNotes?
  private let batch = DatagramBatch(capacity: Limits.echoBatch, datagramSize: Limits.receiveBuffer)
  /// What it will listen on when it starts.
  private var waiting: [BoundSocket<UDPSocket>]
  private var listeners: [Listener] = []
  /// Who answers instead while impairments are on; nil where they are off.
  private(set) var impaired: ImpairedEcho?
  /// The newest change that it was told of.
  private var generation = 0
  private(set) var counters = EchoCounters()

  /// The worker owns its sockets: when it stops, they are closed.
  init(
    on loop: EventLoop, sockets: [BoundSocket<UDPSocket>], admission: EchoAdmission, log: DatagramLog? = nil,
    observer: EchoServer.Observer?
  ) {
    self.loop = loop
    waiting = sockets
    self.admission = admission
    self.log = log
    notes = log.map { BatchNotes(for: $0) }
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
    impaired = nil
  }

  /// Hands over to `impaired` from now on, or answers itself again, unless it has heard of a newer change.
  func hand(to impaired: ImpairedEcho?, _ generation: Int) {
    guard generation > self.generation else { return }
    self.generation = generation
    self.impaired = impaired
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
      if let impaired {
        handOver(taken, from: index, to: impaired)
      } else {
        for position in 0..<taken { consider(position, at: socket.address) }
        sendReplies(on: socket)
      }
      notes?.write()
      noteKernelDrops(index)
      if taken < batch.capacity { return }
    }
  }

  /// nil where the kernel had an error to tell. It concerns some earlier answer, whose receiver is not ours to serve.
  private func receive(from socket: BoundSocket<UDPSocket>) -> Int? {
    do throws(SocketError) { return try batch.receive(from: socket.socket) } catch { return nil }
  }

  private func consider(_ position: Int, at address: SocketAddress) {
    let datagram = batch.datagram(at: position)
    if let reason = admission.refusal(of: datagram, at: loop.now) { return refuse(datagram, at: address, reason) }
    notes?.add(datagram, at: address, .echoed)
    observer?(datagram.source, datagram.bytes)
    counters.received += 1
    counters.bytesReceived += datagram.bytes.count
    counters.echoed += 1
    counters.bytesEchoed += datagram.bytes.count
    batch.addReply(to: datagram, at: position)
  }

  /// What another one answers is counted there; what is refused, or finds no room on the way, is counted here.
  private func handOver(_ taken: Int, from listener: Int, to impaired: ImpairedEcho) {
    let address = listeners[listener].socket.address
    var arrived: [ArrivedDatagram] = []
    for position in 0..<taken {
      let datagram = batch.datagram(at: position)
      if let reason = admission.refusal(of: datagram, at: loop.now) {
        refuse(datagram, at: address, reason)
      } else {
        observer?(datagram.source, datagram.bytes)
        arrived.append(ArrivedDatagram(datagram, listener: listener, at: address))
      }
    }
    guard !arrived.isEmpty, !impaired.take(arrived) else { return }
    for datagram in arrived { countRefused(datagram.bytes.count, .holdFull) }
    log?.write(arrived) { _ in (.refused(.holdFull), []) }
  }

  private func refuse(_ datagram: BatchedDatagram, at address: SocketAddress, _ reason: DropReason) {
    countRefused(datagram.bytes.count, reason)
    notes?.add(datagram, at: address, .refused(reason))
  }

  private func countRefused(_ bytes: Int, _ reason: DropReason) {
    counters.received += 1
    counters.bytesReceived += bytes
    counters.dropped[reason, default: 0] += 1
  }

  /// What was counted as echoed while the batch was read is taken back where the kernel refuses it.
  private func sendReplies(on socket: BoundSocket<UDPSocket>) {
    batch.sendReplies(on: socket.socket) { index, bytes in
      notes?.sendFailed(index)
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
