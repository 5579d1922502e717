import Basics
public import EventLoop
import Sockets

/// Sends series of datagrams to UDP targets and says what became of each, on one loop.
///
/// ``ProbePlan`` says what is due when, ``ProbeSeries`` what each event means. Here they meet a connected socket a
/// series, which hears the target alone, and the loop's time.
public actor UDPProber: LoopActor {
  /// The loop that everything here runs on.
  public nonisolated let loop: EventLoop
  let budget: ExchangeBudget
  let places: SeriesBudget
  private let ports: RelayPorts
  /// What a token stands for.
  private enum Place {
    case running(ProbeRun)
    /// Its series is over.
    case retired(ProbeSocket)
  }

  private var runs: [Place?] = []
  private var freeTokens: [Int] = []
  /// Those whose lines are still to be taken, by the number of their session.
  private var sessions: [Int: ProbeRun] = [:]
  private var lastSession = 0
  private var isEnding = false
  let buffer = ReceiveBuffer()
  /// Datagrams that arrived when their series was over.
  public internal(set) var lateReplies = 0

  /// A prober on `loop`.
  ///
  /// - Parameters:
  ///   - budget: of exchanges and retired sockets; a series takes the place of one exchange.
  ///   - places: how many series there may be. Both are shared by all loops.
  ///   - ports: told of every port that series are sent from.
  public init(
    on loop: EventLoop, budget: ExchangeBudget, places: SeriesBudget, ports: RelayPorts = RelayPorts()
  ) {
    self.loop = loop
    self.budget = budget
    self.places = places
    self.ports = ports
  }
}

// MARK: - A series

extension UDPProber {
  /// Begins a series; its first datagram leaves before this returns.
  ///
  /// - Parameter onEnd: is told the summary, on the loop, when the series is over, however it ended.
  /// - Throws: why there is no series; then nothing was sent.
  public func begin(
    _ plan: ProbePlan, with target: Target, onEnd: @escaping @Sendable (ProbeSummary) -> Void = { _ in }
  ) throws(RelayError) -> ProbeSession {
    guard places.take() else { throw .overloaded(.series) }
    guard budget.begin() else {
      places.giveBack()
      throw .overloaded(.exchanges)
    }
    do throws(SocketError) {
      let run = try open(plan, target, onEnd)
      places.begin()
      lastSession += 1
      sessions[lastSession] = run
      if isEnding { end(run) } else { advance(run, mayHaveError: false) }
    } catch {
      budget.end()
      places.giveBack()
      throw RelayError(opening: error)
    }
    return ProbeSession(lastSession, of: self, target: target)
  }

  private func open(
    _ plan: ProbePlan, _ target: Target, _ onEnd: @escaping @Sendable (ProbeSummary) -> Void
  ) throws(SocketError) -> ProbeRun {
    let socket = try UDPSocket.connected(to: target.address, receiveBuffer: Limits.seriesSocketBuffer)
    let port = try socket.localAddress().port
    let token = freeTokens.last ?? runs.count
    let interest: Readiness = [.readable, .edgeTriggered]
    let registration = try loop.register(socket.descriptor, for: interest, handler: self, token: token)
    if freeTokens.popLast() == nil { runs.append(nil) }
    ports.opened(port)
    let tag = UInt32.random(in: 0...UInt32.max)
    let run = ProbeRun(
      plan, on: ProbeSocket(socket, registration, port: port, token: token), tag: tag, from: .now(), onEnd: onEnd)
    runs[token] = .running(run)
    return run
  }

  /// Ends all series at once, and each that is begun from now on: the gateway shuts down.
  public func endAll() {
    isEnding = true
    for case .running(let run)? in runs { end(run) }
  }

  /// The series is over: its socket is held until nothing late can come to it.
  private func end(_ run: ProbeRun) {
    let socket = run.socket
    runs[socket.token] = .retired(socket)
    budget.end()
    budget.retire()
    places.end()
    run.end()
    // As a message's socket does: after a clean end little can come late.
    setTimer(.now() + (run.series.summary.isClean ? Limits.rest : Limits.retirement), of: socket)
  }

  private func setTimer(_ deadline: MonotonicTime, of socket: ProbeSocket) {
    if let timer = socket.timer { loop.cancel(timer) }
    socket.timer = loop.schedule(at: deadline, handler: self, token: socket.token)
  }

  private func close(_ socket: ProbeSocket) {
    hearSurplus(socket)
    ports.closed(socket.port)
    loop.deregister(socket.registration)
    budget.unretire()
    runs[socket.token] = nil
    freeTokens.append(socket.token)
  }
}

// MARK: - Who reads of it

extension UDPProber {
  /// What has become known since the last call; waits where that is nothing yet.
  func next(of session: Int) async -> ProbeSession.Step {
    guard let run = sessions[session] else { preconditionFailure("the series was read to its end") }
    await withUnsafeContinuation { run.wait($0) }
    let lines = run.takeLines()
    if !lines.isEmpty { return .lines(lines) }
    forget(session)
    return .summary(run.series.summary)
  }

  /// Ends a series before its time; one that is over stays as it is.
  func end(_ session: Int) {
    if let run = sessions[session], !run.isOver { end(run) }
  }

  /// Nobody reads of it any more.
  func drop(_ session: Int) {
    guard sessions[session] != nil else { return }
    end(session)
    forget(session)
  }

  private func forget(_ session: Int) {
    sessions[session] = nil
    places.giveBack()
  }
}

// MARK: - What the loop tells

extension UDPProber: DescriptorHandler, TimerHandler {
  public nonisolated func descriptorReady(_ readiness: Readiness, token: Int) {
    assumeOnLoop { prober in
      switch prober.runs[token] {
      case .running(let run): prober.advance(run, mayHaveError: readiness.contains(.error))
      case .retired(let socket): prober.hearSurplus(socket)
      case nil: break
      }
    }
  }

  public nonisolated func timerFired(_ token: Int) {
    assumeOnLoop { prober in
      switch prober.runs[token] {
      case .running(let run): prober.advance(run, mayHaveError: false)
      case .retired(let socket): prober.close(socket)
      case nil: break
      }
    }
  }

  /// Does what there is to do for a series now: takes what came, writes off what did not, sends what is due.
  private func advance(_ run: ProbeRun, mayHaveError: Bool) {
    // What is queued by now counts before the deadlines that have passed by now. A target that floods keeps something
    // queued at all times; then what has been read says how far that is known.
    let now = MonotonicTime.now()
    let hasAllErrors = !mayHaveError || takeErrors(of: run) < Limits.probesPerTurn
    let lastRead = receive(run)
    let known = min(now, lastRead ?? now)
    while hasAllErrors, let line = run.series.expire(at: known) { run.note(line) }
    let hasSentAll = sendDue(of: run)
    if hasSentAll, run.series.undecided == 0, run.nextDue == nil {
      let decidedAt = run.decidedAt ?? now
      run.decidedAt = decidedAt
      if hasAllErrors, known >= decidedAt { return end(run) }
    }
    run.tell()
    schedule(run, isBehind: !hasAllErrors || lastRead != nil || !hasSentAll)
  }

  private func schedule(_ run: ProbeRun, isBehind: Bool) {
    // Not in this very turn: others have theirs first.
    let nextTurn = loop.now + Nanoseconds(1)
    if isBehind { return setTimer(nextTurn, of: run.socket) }
    if run.waitsForRoomSince != nil { return setTimer(.now() + Limits.probeRetry, of: run.socket) }
    // One of both there is, or it would be over.
    setTimer(max(nextTurn, [run.nextDue, run.series.nextDeadline].compactMap { $0 }.min()!), of: run.socket)
  }
}
