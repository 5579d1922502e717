import Basics
import EventLoop
import Sockets

/// Impairs and answers what all loops read while impairments are on: one actor, on the server's first loop, so that
/// there is one sequence of fates, one chain of bursts and one rate.
///
/// While they are off nothing comes here. What was held before a change leaves when it was due to.
actor ImpairedEcho: LoopActor {
  nonisolated let loop: EventLoop
  private nonisolated let inTransit = InTransit()
  private let admission: EchoAdmission
  private let log: DatagramLog?
  /// The sockets of this loop, one for each of the server's addresses; none once it has ended.
  private var sockets: [BoundSocket<UDPSocket>]
  /// Those who hand over; they are told when that begins and when it ends.
  private var workers: [EchoWorker] = []
  private var whenExpired: (@Sendable () -> Void)?

  private var model = ImpairmentModel()
  private var hold = HoldQueue<Reply>()
  private var expiresAt: MonotonicTime?
  /// Which change is in force; workers keep to the newest that they heard of.
  private var generation = 0
  private var timer: (id: EventLoop.TimerID, deadline: MonotonicTime)?
  private var tally = EchoCounters()
  private let outgoing = OutgoingBatch(capacity: Limits.echoBatch, datagramSize: Limits.receiveBuffer)
  /// Which socket the batch is for.
  private var outgoingListener = 0
  /// Which of the datagrams being decided each reply in the batch answers; nil where it was decided before.
  private var answered: [Int?] = []
  /// Those of the datagrams being decided whose reply the kernel refused.
  private var unsent: [Int] = []

  /// A reply that waits.
  private struct Reply {
    var source: SocketAddress
    var destination: IPAddress?
    var listener: Int
    var bytes: [UInt8]
  }

  /// - Parameter sockets: the loop's, in the order of the server's addresses.
  init(on loop: EventLoop, sockets: [BoundSocket<UDPSocket>], admission: EchoAdmission, log: DatagramLog? = nil) {
    self.loop = loop
    self.sockets = sockets
    self.admission = admission
    self.log = log
  }

  /// Begins with some impairments; they are in force in all loops when this returns.
  ///
  /// - Parameters:
  ///   - workers: who hands over.
  ///   - whenExpired: is called when impairments have ended by themselves.
  func start(
    _ workers: [EchoWorker], with impairments: Impairments, whenExpired: (@Sendable () -> Void)?
  ) async {
    self.workers = workers
    self.whenExpired = whenExpired
    _ = await put(impairments, restarts: true, setsExpiry: true)
  }

  /// What it has done so far.
  var counters: EchoCounters {
    var counters = tally
    counters.held = hold.count
    return counters
  }

  /// Sends nothing more, and lets go of the sockets; what was held is lost.
  func stop() {
    let lost = hold.removeAll()
    if lost > 0 { tally.dropped[.impaired, default: 0] += lost }
    model.impairments = Impairments()
    expiresAt = nil
    sockets = []
    workers = []
    whenExpired = nil
    schedule()
  }
}

// MARK: - Changing

extension ImpairedEcho {
  /// What is in force, with what remains of its time.
  var impairments: Impairments {
    var impairments = model.impairments
    impairments.expiresInMilliseconds = expiresAt.map { max(0, Double(($0 - .now()).count / 1000) / 1000) }
    return impairments
  }

  /// Changes what is in force; answers it once all loops have it.
  ///
  /// - Throws: the fault of what would come of it; then nothing has changed.
  func change(_ change: Impairments.Change) async throws(Impairments.Fault) -> Impairments {
    let next = try change.applied(to: impairments)
    return await put(next, restarts: change.sets(.seed), setsExpiry: change.sets(.expiry))
  }

  /// - Parameters:
  ///   - restarts: the sequence of fates begins anew.
  ///   - setsExpiry: else they end when they were to.
  private func put(_ next: Impairments, restarts: Bool, setsExpiry: Bool) async -> Impairments {
    var next = next
    if setsExpiry { expiresAt = next.expiresInMilliseconds.map { .now() + .seconds($0 / 1000) } }
    next.expiresInMilliseconds = nil
    if next.rateKilobits != model.impairments.rateKilobits { hold.renewLink() }
    let mustDraw = next.isActive && next.seed == nil
    if mustDraw { next.seed = UInt64.random(in: 0..<Impairments.seeds) }
    if restarts || mustDraw { model = ImpairmentModel(next) } else { model.impairments = next }
    let inForce = impairments
    let (path, generation) = renewPath()
    schedule()
    for worker in workers { await worker.loop.execute { worker.hand(to: path, generation) } }
    return inForce
  }

  private func renewPath() -> (ImpairedEcho?, Int) {
    generation += 1
    return (model.impairments.isActive ? self : nil, generation)
  }

  private func expire() {
    expiresAt = nil
    model = ImpairmentModel()
    let (path, generation) = renewPath()
    for worker in workers {
      worker.loop.submit { worker.hand(to: path, generation) }
    }
    whenExpired?()
  }
}

// MARK: - Deciding

extension ImpairedEcho {
  /// Takes over what a loop has read; false where too much is on its way already. From the loops of the server.
  nonisolated func take(_ datagrams: [ArrivedDatagram]) -> Bool {
    if loop.isCurrent {
      assumeOnLoop { $0.decide(datagrams) }
      return true
    }
    guard inTransit.enter(datagrams) else { return false }
    loop.submit { [inTransit] in
      inTransit.leave(datagrams)
      self.assumeOnLoop { $0.decide(datagrams) }
    }
    return true
  }

  private func decide(_ datagrams: [ArrivedDatagram]) {
    let now = MonotonicTime.now()
    release(by: now)
    var outcomes = datagrams.enumerated().map { decide($1, number: $0, at: now) }
    sendCollected()
    for number in unsent { outcomes[number].fate = .refused(.sendFailed) }
    unsent.removeAll(keepingCapacity: true)
    log?.write(datagrams) { outcomes[$0] }
    schedule()
  }

  /// Answers what is known of the outcome at once: a reply that is held may find that the kernel does not send it.
  ///
  /// - Parameter number: its place among those that are decided now.
  private func decide(_ datagram: ArrivedDatagram, number: Int, at now: MonotonicTime) -> DatagramLog.Outcome {
    tally.received += 1
    tally.bytesReceived += datagram.bytes.count
    guard !sockets.isEmpty else {
      drop(.impaired)
      return (.lost, [])
    }
    let fate = model.nextFate(bytes: datagram.bytes.count, headers: datagram.headers)
    for kind in fate.kinds { tally.impaired[kind, default: 0] += 1 }
    if fate.loss != nil { drop(.impaired) }
    var refusal: DropReason?
    var isAnswered = false
    for (index, copy) in fate.copies.enumerated() {
      if index > 0 {
        tally.duplicated += 1
        // The first was charged when it came in.
        guard admission.grants(datagram.source.ip, at: now) else {
          drop(.rateLimited)
          continue
        }
      }
      if answer(datagram, number: number, copy, at: now) { isAnswered = true } else { refusal = .holdFull }
    }
    let kinds = ImpairmentKinds(fate.kinds)
    if isAnswered { return (.echoed, kinds) }
    return (refusal.map { .refused($0) } ?? .lost, kinds)
  }

  /// false where the reply would have to wait and there is no room.
  private func answer(
    _ datagram: ArrivedDatagram, number: Int, _ copy: Fate.Copy, at now: MonotonicTime
  ) -> Bool {
    var reply = Reply(
      source: datagram.source, destination: datagram.destination, listener: datagram.listener, bytes: datagram.bytes)
    if let bit = copy.flippedBit { reply.bytes[bit / 8] ^= 1 << UInt8(bit % 8) }
    if copy.delay == .zero, copy.transmission == nil {
      collect(reply, answering: number)
      return true
    }
    let isHeld = hold.insert(
      reply, bytes: reply.bytes.count, due: now + copy.delay, transmission: copy.transmission)
    if !isHeld { drop(.holdFull) }
    return isHeld
  }

  private func drop(_ reason: DropReason) {
    tally.dropped[reason, default: 0] += 1
  }
}

// MARK: - Sending

extension ImpairedEcho: TimerHandler {
  nonisolated func timerFired(_ token: Int) {
    assumeOnLoop { $0.wake() }
  }

  private func wake() {
    timer = nil
    if let expiresAt, expiresAt <= loop.now { expire() }
    release(by: loop.now)
    sendCollected()
    schedule()
  }

  /// Has leave what is due, some of it: the rest has its turn after others had theirs.
  private func release(by now: MonotonicTime) {
    for _ in 0..<Limits.releasesPerTurn {
      switch hold.next(by: now) {
      case nil: return
      case .leaves(let reply): collect(reply)
      case .refused: drop(.holdFull)
      }
    }
  }

  /// - Parameter number: which of the datagrams being decided it answers.
  private func collect(_ reply: Reply, answering number: Int? = nil) {
    if reply.listener != outgoingListener || outgoing.count == outgoing.capacity { sendCollected() }
    outgoingListener = reply.listener
    tally.echoed += 1
    tally.bytesEchoed += reply.bytes.count
    answered.append(number)
    outgoing.add(reply.bytes, to: reply.source, from: reply.destination, on: sockets[reply.listener].address)
  }

  /// What was counted as echoed is taken back where the kernel refuses it.
  private func sendCollected() {
    guard outgoing.count > 0 else { return }
    outgoing.send(on: sockets[outgoingListener].socket) { index, bytes in
      if let number = answered[index] { unsent.append(number) }
      tally.echoed -= 1
      tally.bytesEchoed -= bytes
      drop(.sendFailed)
    }
    answered.removeAll(keepingCapacity: true)
  }

  /// One timer for whatever comes first.
  private func schedule() {
    let wanted = [hold.nextDue, expiresAt].compactMap { $0 }.min()
    // What is overdue has its turn in the next one, not again in this.
    let deadline = wanted.map { max($0, loop.now + Nanoseconds(1)) }
    if let timer {
      if timer.deadline == deadline { return }
      loop.cancel(timer.id)
    }
    timer = deadline.map { (loop.schedule(at: $0, handler: self), $0) }
  }
}
