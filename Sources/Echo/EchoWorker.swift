import Basics
import EventLoop
import Sockets

/// One loop's part of the echo server: its sockets, in batches.
///
/// `@unchecked Sendable`: all of it is touched on its loop's thread alone, as every entry asserts. It is no actor: to
/// enter one from the loop took two allocations, a fifth of what a datagram that comes alone costs.
final class EchoWorker: @unchecked Sendable {
  let loop: EventLoop
  private let admission: EchoAdmission
  private let observer: EchoServer.Observer?
  private let log: DatagramLog?
  /// Somebody may want to know of datagrams. Asked once a batch: where nobody does, a datagram passes nothing that is
  /// done for those who do.
  private let isWatched: Bool
  /// What is known of the batch at hand; nil where nothing is recorded.
  private var notes: BatchNotes?
  private let batch = DatagramBatch(capacity: Limits.echoBatch, datagramSize: Limits.receiveBuffer)
  /// What it will listen on when it starts.
  private var waiting: [(place: Int, socket: BoundSocket<UDPSocket>)]
  private var listeners: [Listener] = []
  /// Who answers instead while impairments are on; nil where they are off.
  private(set) var impaired: ImpairedEcho?
  /// The newest change that it was told of.
  private var generation = 0
  private(set) var counters = EchoCounters()
  /// How many datagrams a burst of the last batch held, the mean rounded up: the next takes as many places as make a
  /// bounded number of datagrams.
  private var burstLength = 1

  /// The worker owns its sockets: when it stops, they are closed.
  ///
  /// - Parameter sockets: each with the place of its address among the server's.
  init(
    on loop: EventLoop, sockets: [(place: Int, socket: BoundSocket<UDPSocket>)], admission: EchoAdmission,
    log: DatagramLog? = nil,
    observer: EchoServer.Observer?
  ) {
    self.loop = loop
    waiting = sockets
    self.admission = admission
    self.log = log
    notes = log.map { BatchNotes(for: $0) }
    self.observer = observer
    isWatched = log != nil || observer != nil
  }

  /// A socket of this loop; the other loops have theirs on the same address.
  private struct Listener {
    let socket: BoundSocket<UDPSocket>
    /// Which of the server's addresses it has.
    let place: Int
    let registration: Registration
    /// The kernel's count of drops, as it was last told.
    var dropped: UInt32 = 0
  }

  func start() throws(SocketError) {
    loop.assertCurrent()
    defer { waiting = [] }
    for (place, socket) in waiting {
      let token = listeners.count
      let registration = try loop.register(socket.socket.descriptor, for: .readable, handler: self, token: token)
      listeners.append(Listener(socket: socket, place: place, registration: registration))
    }
  }

  func stop() {
    loop.assertCurrent()
    for listener in listeners { loop.deregister(listener.registration) }
    listeners = []
    waiting = []
    impaired = nil
  }

  /// Hands over to `impaired` from now on, or answers itself again, unless it has heard of a newer change.
  func hand(to impaired: ImpairedEcho?, _ generation: Int) {
    loop.assertCurrent()
    guard generation > self.generation else { return }
    self.generation = generation
    self.impaired = impaired
  }
}

extension EchoWorker: DescriptorHandler {
  func descriptorReady(_ readiness: Readiness, token: Int) {
    loop.assertCurrent()
    echo(token)
  }

  /// Answers what is queued, some batches of it: the rest is told again next turn, after others had theirs.
  private func echo(_ index: Int) {
    let socket = listeners[index].socket
    var left = Limits.echoDatagramsPerTurn
    for _ in 0..<Limits.echoBatchesPerTurn where left > 0 {
      let datagrams = impaired == nil ? Limits.datagramsAtOnce : Limits.impairedDatagramsAtOnce
      let places = min(batch.capacity, max(1, datagrams / burstLength))
      guard let taken = receive(from: socket, upTo: places), taken > 0 else { return }
      let seen = answer(taken, from: index, on: socket)
      finish(on: socket)
      noteKernelDrops(index)
      burstLength = max(1, (seen + taken - 1) / taken)
      left -= seen
      if taken < places { return }
    }
  }

  /// - Returns: how many datagrams the batch held.
  private func answer(_ taken: Int, from index: Int, on socket: BoundSocket<UDPSocket>) -> Int {
    if let impaired { return handOver(taken, from: index, to: impaired) }
    let before = counters.received
    if isWatched {
      answerWatched(taken, on: socket)
    } else {
      for position in 0..<taken { answer(batch.burst(at: position), at: socket.address) }
    }
    return counters.received - before
  }

  /// nil where the kernel had an error to tell. It concerns some earlier answer, whose receiver is not ours to serve.
  private func receive(from socket: BoundSocket<UDPSocket>, upTo places: Int) -> Int? {
    do throws(SocketError) { return try batch.receive(from: socket.socket, upTo: places) } catch { return nil }
  }

  private func answer(_ burst: DatagramBurst, at address: SocketAddress) {
    let (count, refusal) = admission.admit(burst, at: loop.now)
    if count > 0 { reply(to: burst, count: count) }
    if count < burst.payloads.count { refuse(burst.payloads.dropFirst(count), of: burst, at: address, refusal) }
  }

  /// The same, noted and shown.
  private func answerWatched(_ taken: Int, on socket: BoundSocket<UDPSocket>) {
    for position in 0..<taken {
      let burst = batch.burst(at: position)
      let payloads = burst.payloads
      let (count, refusal) = admission.admit(burst, at: loop.now)
      if count > 0 {
        let firstNote = notes?.count ?? 0
        notes?.add(payloads.prefix(count), of: burst, at: socket.address, .echoed)
        if let observer { for payload in payloads.prefix(count) { observer(burst.source, payload) } }
        reply(to: burst, count: count, numbered: firstNote)
      }
      if count < payloads.count { refuse(payloads.dropFirst(count), of: burst, at: socket.address, refusal) }
      if notes?.isFull ?? false { finish(on: socket) }
    }
  }

  /// Counts the first datagrams of a burst as echoed, and collects the replies to them.
  private func reply(to burst: DatagramBurst, count: Int, numbered first: Int = 0) {
    let bytes = burst.payloads.byteCount(ofFirst: count)
    counters.received += count
    counters.bytesReceived += bytes
    counters.echoed += count
    counters.bytesEchoed += bytes
    batch.addReplies(to: burst, count: count, numbered: first)
  }

  /// What another one answers is counted there; what is refused, or finds no room on the way, is counted here.
  ///
  /// - Returns: how many datagrams the batch held, each once: what the other one has no room for is counted here, but
  ///   it has been taken in this turn all the same.
  private func handOver(_ taken: Int, from listener: Int, to impaired: ImpairedEcho) -> Int {
    let address = listeners[listener].socket.address
    let place = listeners[listener].place
    var arrived: [ArrivedDatagram] = []
    var seen = 0
    for position in 0..<taken {
      let burst = batch.burst(at: position)
      let (count, refusal) = admission.admit(burst, at: loop.now)
      seen += burst.payloads.count
      for payload in burst.payloads.prefix(count) {
        observer?(burst.source, payload)
        arrived.append(ArrivedDatagram(payload, of: burst, listener: place, at: address))
      }
      if count < burst.payloads.count { refuse(burst.payloads.dropFirst(count), of: burst, at: address, refusal) }
      if notes?.isFull ?? false { notes?.write() }
      if arrived.count >= Limits.datagramsAtOnce { handOver(&arrived, to: impaired) }
    }
    handOver(&arrived, to: impaired)
    return seen
  }

  private func handOver(_ arrived: inout [ArrivedDatagram], to impaired: ImpairedEcho) {
    defer { arrived = [] }
    guard !arrived.isEmpty, !impaired.take(arrived) else { return }
    for datagram in arrived { countRefused(1, datagram.bytes.count, .holdFull) }
    log?.write(arrived) { _ in (.refused(.holdFull), []) }
  }

  private func refuse(
    _ payloads: Slice<CoalescedPayloads>, of burst: DatagramBurst, at address: SocketAddress, _ reason: DropReason
  ) {
    countRefused(payloads.count, payloads.reduce(0) { $0 + $1.count }, reason)
    notes?.add(payloads, of: burst, at: address, .refused(reason))
  }

  private func countRefused(_ count: Int, _ bytes: Int, _ reason: DropReason) {
    counters.received += count
    counters.bytesReceived += bytes
    counters.dropped[reason, default: 0] += count
  }

  /// Ends a batch, or a part of it. What was counted as echoed while it was read is taken back where the kernel refuses
  /// it.
  private func finish(on socket: BoundSocket<UDPSocket>) {
    batch.sendReplies(on: socket.socket) { number, bytes in
      notes?.sendFailed(number)
      counters.echoed -= 1
      counters.bytesEchoed -= bytes
      counters.dropped[.sendFailed, default: 0] += 1
    }
    notes?.write()
  }

  private func noteKernelDrops(_ index: Int) {
    guard let dropped = batch.droppedByKernel else { return }
    counters.receiveBufferFull += Int(dropped &- listeners[index].dropped)
    listeners[index].dropped = dropped
  }
}
