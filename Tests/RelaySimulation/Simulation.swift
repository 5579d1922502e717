import Basics
import EventLoop
import Relay
import Sockets

/// Runs the relay's own engine through a scenario, as a loop would, and judges what it did.
package final class Simulation {
  /// Whom an exchange's end is told.
  private final class Waiter: ReplyWaiter {
    unowned let network: SimulatedNetwork
    let exchange: Int

    init(network: SimulatedNetwork, exchange: Int) {
      self.network = network
      self.exchange = exchange
    }

    func exchangeEnded(by payload: Span<UInt8>, _ passage: ReplyPassage, to message: [UInt8]) {
      if message != Ledger.message(exchange) { network.ledger.note("exchange \(exchange) sent something else") }
      network.ledger.ends(exchange, .success(Reply(payload, passage)), at: network.time)
    }

    func exchangeFailed(_ error: RelayError) {
      network.ledger.ends(exchange, .failure(error), at: network.time)
    }
  }

  /// Past this a scenario turns for ever.
  private static let longestRun = 1_000_000

  private let scenario: Scenario
  private let ledger: Ledger
  private let network: SimulatedNetwork
  private let budget: ExchangeBudget
  private var engine: RelayEngine<SimulatedNetwork>
  /// What the loop is asked for, the next last.
  private var steps: [Scenario.Step]
  private var exchanges: [Int: ExchangeID] = [:]

  private init(_ scenario: Scenario, _ periods: SocketPool.Periods) {
    self.scenario = scenario
    ledger = Ledger(exchanges: scenario.exchangeCount)
    network = SimulatedNetwork(scenario, ledger: ledger)
    budget = ExchangeBudget(limit: scenario.budget)
    engine = RelayEngine(on: network, budget: budget, pool: SocketPool(capacity: scenario.pool, periods: periods))
    steps = scenario.steps.filter(\.action.isLoops).reversed()
  }

  /// Runs a scenario, until all sockets are closed.
  ///
  /// - Parameter periods: the pool's; others than the program's are to be found out.
  package static func run(_ scenario: Scenario, periods: SocketPool.Periods = SocketPool.Periods()) -> Ledger {
    let simulation = Simulation(scenario, periods)
    simulation.run()
    return simulation.ledger
  }

  private func run() {
    var turns = 0
    while let next = nextTurn, turns < Self.longestRun {
      turn(at: next)
      turns += 1
    }
    if turns == Self.longestRun { ledger.note("the loop turns for ever") }
    checkEnd()
    ledger.check(scenario)
  }

  /// When the loop wakes.
  private var nextTurn: MonotonicTime? {
    if !network.readyConnections.isEmpty { return network.time }
    let times = [steps.last.map { network.time(of: $0) }, network.nextEvent, network.timers.nextDeadline]
    return times.compactMap { $0 }.min()
  }

  private func turn(at time: MonotonicTime) {
    network.advance(to: time)
    network.now = network.time
    let ready = network.readyConnections.prefix(scenario.events).map { ($0, $0.takeReadiness()) }
    network.readyConnections.removeFirst(ready.count)
    for (connection, readiness) in ready where !readiness.isEmpty && !connection.isClosed {
      engine.ready(connection.token, readiness)
    }
    while let token = network.timers.popDue(at: network.now) { engine.timerFired(token) }
    while let step = steps.last, network.time(of: step) <= network.now {
      steps.removeLast()
      perform(step)
    }
    let ended = ledger.ended
    if engine.sendWaiting() != (ledger.ended > ended) { ledger.note("an end at a turn's end was not told, or made up") }
    if budget.inFlight != ledger.inFlight { ledger.note("\(budget.inFlight) in flight, not \(ledger.inFlight)") }
    if budget.retiredSockets != engine.pool.retiredCount { ledger.note("the retired are not counted rightly") }
    if engine.pool.count != network.openCount { ledger.note("the pool knows \(engine.pool.count) sockets") }
  }

  private func perform(_ step: Scenario.Step) {
    switch step.action {
    case .send(let exchange, let sending): send(exchange, sending)
    case .cancel(let exchange):
      guard let id = exchanges[exchange] else { return }
      cancel(id, exchange)
    case .stall(let span):
      ledger.count("stall")
      ledger.stalled(for: span)
      network.advance(to: network.time + span)
    case .check(let wanted): check(wanted, at: step.time)
    default: preconditionFailure("the network does that")
    }
  }

  private func send(_ exchange: Int, _ sending: Scenario.Sending) {
    ledger.begins(exchange, with: sending, at: network.time)
    ledger.openFailure = nil
    let target = SimulatedNetwork.address(ofTarget: sending.target)
    do throws(RelayError) {
      let message = Ledger.message(exchange)
      let waiter = Waiter(network: network, exchange: exchange)
      let id = try engine.begin(message, with: target, within: sending.timeout, fresh: sending.fresh, for: waiter)
      exchanges[exchange] = id
      ledger.accounts[exchange].hasBegun = true
      ledger.begun += 1
      ledger.inFlight += 1
      if sending.isCancelledAtOnce {
        cancel(id, exchange)
        checkCancelled(exchange)
      }
    } catch {
      ledger.refuses(exchange, error, at: network.time, budget)
    }
  }

  private func cancel(_ id: ExchangeID, _ exchange: Int) {
    ledger.count("cancel")
    ledger.accounts[exchange].isCancelled = true
    engine.cancel(id)
    if exchanges[exchange] != nil, ledger.accounts[exchange].connection != nil { checkCancelled(exchange) }
  }

  private func checkCancelled(_ exchange: Int) {
    if ledger.accounts[exchange].end == nil { ledger.note("exchange \(exchange) goes on after it was cancelled") }
  }

  private func counts(_ counter: Scenario.Counter) -> Int {
    switch counter {
    case .late: engine.lateReplies
    case .resting: engine.pool.restingCount
    case .retired: engine.pool.retiredCount
    case .open: network.openCount
    case .inFlight: budget.inFlight
    }
  }

  private func check(_ wanted: [Scenario.Counter: Int], at time: Nanoseconds) {
    for (counter, count) in wanted where counts(counter) != count {
      ledger.note("at \(time.milliseconds): \(counter.rawValue) is \(counts(counter)), not \(count)")
    }
  }

  /// Every exchange has ended, every socket is closed, every datagram is accounted for.
  private func checkEnd() {
    for (exchange, account) in ledger.accounts.enumerated() where account.end == nil && exchanges[exchange] != nil {
      ledger.note("exchange \(exchange) never ended")
    }
    if ledger.opened != ledger.closed { ledger.note("\(ledger.opened) sockets opened, \(ledger.closed) closed") }
    if budget.inFlight != 0 || budget.retiredSockets != 0 { ledger.note("the budget is not given back") }
    if network.timers.count != 0 { ledger.note("\(network.timers.count) timers are left") }
    let counted = ledger.replies + ledger.cutEnds + engine.lateReplies + ledger.lostAtClose
    if ledger.queued != counted { ledger.note("of \(ledger.queued) datagrams \(counted) are accounted for") }
    if ledger.lostAtClose > 0 { ledger.note("\(ledger.lostAtClose) datagrams were closed away unread") }
  }
}

// MARK: - Expectations

extension Ledger {
  /// Whether what the scenario expects is so.
  func check(_ scenario: Scenario) {
    func name(_ exchange: Int) -> String { scenario.names[exchange] }
    for expectation in scenario.expectations {
      switch expectation {
      case .beyond(let count):
        if beyond != count { note("\(beyond) are beyond the rules, not \(count)") }
      case .port(let one, let other, let isSame):
        let ports = (accounts[one].port, accounts[other].port)
        if ports.0 == nil || (ports.0 == ports.1) != isSame {
          note("\(name(one)) and \(name(other)) had ports \(ports)")
        }
      case .end(let exchange, let end, let time):
        guard let actual = accounts[exchange].end else { note("\(name(exchange)) has no end"); continue }
        let wanted = if case .error(let name) = end { name } else { "reply" }
        if !Self.name(actual).hasPrefix(wanted) {
          note("\(name(exchange)) ended by \(Self.name(actual)), not \(wanted)")
        }
        let endedAt = accounts[exchange].endedAt.nanoseconds - SimulatedNetwork.begin.nanoseconds
        if let time, endedAt < time.count || endedAt >= time.count + 1_000_000 {
          note("\(name(exchange)) ended at \(Nanoseconds(endedAt).milliseconds), not \(time.milliseconds)")
        }
      }
    }
  }
}
