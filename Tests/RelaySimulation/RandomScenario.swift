import Basics
import SystemPackage
import TestSupport

/// Makes scenarios from a seed: the same on every machine.
package struct RandomScenario {
  /// What may go wrong, by how far a late datagram may be from the end of its exchange.
  package enum Reach: Sendable {
    /// Within what the rules promise: copies while the socket rests, late replies while it is held, and at the cap of
    /// resting sockets only from targets that have sent surplus before.
    case promised
    /// Any: then the ledger counts what nobody can tell apart.
    case any
  }

  private var random: SeededGenerator
  private let reach: Reach
  private var scenario = Scenario()
  private var time = Nanoseconds.zero
  private var isAtCap = false
  private var targets = 1
  /// Of a hundred messages so many meet a fault.
  private var faults = 50
  /// The spans between messages, in microseconds.
  private var spans = 0...1000
  /// Messages to which something happens, by their numbers.
  private var faulted: Set<Int> = []

  private init(seed: UInt64, reach: Reach) {
    random = SeededGenerator(seed: seed)
    self.reach = reach
  }

  /// - Returns: the scenario, and those of its exchanges that are to meet a fault.
  package static func make(
    seed: UInt64, exchanges: Int, reach: Reach = .promised
  ) -> (scenario: Scenario, faulted: Set<Int>) {
    var maker = RandomScenario(seed: seed, reach: reach)
    maker.chooseSettings(exchanges)
    for _ in 0..<exchanges { maker.addExchange() }
    maker.scenario.steps = maker.scenario.steps.enumerated()
      .sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
    return (maker.scenario, maker.faulted)
  }

  private mutating func chooseSettings(_ exchanges: Int) {
    targets = Int.random(in: 1...3, using: &random)
    faults = [10, 50, 90][pick(3)]
    spans = [0...1000, 0...20_000, 0...300_000][pick(3)]
    isAtCap = chance(20)
    scenario.pool = isAtCap ? 1 + pick(16) : 2 * exchanges
    scenario.budget = chance(10) ? 4 + pick(30) : 2 * exchanges
    scenario.ports = chance(20) ? 3 + pick(60) : 3 * exchanges
    scenario.queue = chance(10) ? 1 + pick(3) : 64
    scenario.events = chance(20) ? 1 + pick(3) : 256
    guard isAtCap, reach == .promised else { return }
    // The relay knows from the begin what these targets are, and remembers it for a minute.
    spans = 0...300
    for target in 0..<targets { introduce(target) }
    time = .milliseconds(10)
  }

  private mutating func introduce(_ target: Int) {
    let exchange = send(Scenario.Sending(to: target, timeout: .milliseconds(100)))
    add(.milliseconds(1), .reply(exchange, .whole))
    add(.milliseconds(2), .reply(exchange, .whole))
  }

  private mutating func pick(_ count: Int) -> Int {
    Int.random(in: 0..<count, using: &random)
  }

  private mutating func chance(_ percent: Int) -> Bool {
    pick(100) < percent
  }

  private mutating func microseconds(_ range: ClosedRange<Int>) -> Nanoseconds {
    Nanoseconds(Int64(Int.random(in: range, using: &random)) * 1000)
  }

  private mutating func add(_ time: Nanoseconds, _ action: Scenario.Action) {
    scenario.steps.append(Scenario.Step(time, action))
  }

  private mutating func send(_ sending: Scenario.Sending) -> Int {
    defer { sent += 1 }
    add(time, .send(sent, sending))
    return sent
  }

  private var sent = 0
}

// MARK: - An exchange and what happens to it

extension RandomScenario {
  private mutating func addExchange() {
    time = time + microseconds(spans)
    // Now and then all is quiet until rests, retirements, idle sockets, or memories of noise are over.
    if !isAtCap || reach == .any, chance(1) { time = time + .seconds([0.6, 11, 31, 61][pick(4)]) }
    let timeout = Nanoseconds.milliseconds([1, 20, 100, 500, 2000][pick(5)])
    let isFaulted = chance(faults)
    if isFaulted { prepareFault() }
    var sending = Scenario.Sending(to: pick(targets), timeout: timeout)
    sending.fresh = chance(3)
    sending.isCancelledAtOnce = isFaulted && chance(2)
    let exchange = send(sending)
    let reply = time + replyTime(timeout)
    if isFaulted {
      faulted.insert(exchange)
      addFaults(to: exchange, timeout, reply: reply)
    } else {
      add(reply, .reply(exchange, .whole))
    }
  }

  /// When a good reply comes: mostly at once, always in time.
  private mutating func replyTime(_ timeout: Nanoseconds) -> Nanoseconds {
    let latest = Int(timeout.count / 1000) * 9 / 10
    return microseconds(10...(chance(70) ? min(latest, 500) : latest))
  }

  /// What lies in wait when the message comes.
  private mutating func prepareFault() {
    let openErrors: [Errno] = [
      .tooManyOpenFiles, .tooManyOpenFilesInSystem, .resourceTemporarilyUnavailable, .noBufferSpace, .noMemory,
      .noSpace,
      .addressNotAvailable, .networkUnreachable, .noRouteToHost, .permissionDenied, .invalidArgument,
    ]
    let sendErrors: [Errno] = [
      .resourceTemporarilyUnavailable, .noBufferSpace, .notPermitted, .messageTooLong, .networkUnreachable,
      .connectionRefused, .noMemory,
    ]
    switch pick(40) {
    case 0: add(time, .fail(.open, openErrors[pick(openErrors.count)]))
    case 1, 2: add(time, .fail(.send, sendErrors[pick(sendErrors.count)]))
    case 3:
      add(time, .fail(.send, .resourceTemporarilyUnavailable))
      add(time, .fail(.watch, .noMemory))
    case 4:
      add(time, .fail(.send, .noBufferSpace))
      add(time, .fail(.send, .noBufferSpace))
    case 5: add(time, .fail(.receive, [.noMemory, .connectionRefused][pick(2)]))
    case 6: add(time, .early)
    case 7: add(time, .slow(Scenario.Call.allCases[pick(5)], microseconds(10...300_000)))
    default: break
    }
  }

  private mutating func addFaults(to exchange: Int, _ timeout: Nanoseconds, reply: Nanoseconds) {
    switch pick(12) {
    case 0: break  // Nothing ever comes.
    case 1, 2: add(time + timeout + microseconds(0...latest), .reply(exchange, .whole))
    case 3: add(reply, .reply(exchange, chance(50) ? .cut : .empty))
    case 4:
      addError(about: exchange, reply)
    default:
      add(reply, .reply(exchange, .whole))
      addNuisance(to: exchange, timeout, reply)
      if chance(30) { addNuisance(to: exchange, timeout, reply) }
    }
  }

  /// What may come beside a good reply.
  private mutating func addNuisance(to exchange: Int, _ timeout: Nanoseconds, _ reply: Nanoseconds) {
    let span = Int(timeout.count / 1000)
    switch pick(11) {
    case 0, 1, 2, 3: addCopies(of: exchange, from: reply)
    case 4: add(time + microseconds(0...span * 3 / 2), .stranger(exchange))
    case 5: addError(about: exchange, reply)
    case 6, 7: add(time + microseconds(0...span), .cancel(exchange))
    case 8: add(time, .stall(microseconds(10...200_000)))
    case 9:
      add(time + microseconds(0...span), .room(exchange))
      add(time + microseconds(0...span), .wake(exchange))
    default:
      if chance(20) {
        // Set back by less than the loop may be held up, a clock hides how old a datagram is: that is beyond.
        let step = [-3_600_000, 300, 5000, -100][pick(reach == .any ? 4 : 3)]
        add(time + microseconds(0...1000), .clock(.milliseconds(step)))
      }
    }
  }

  private mutating func addError(about exchange: Int, _ reply: Nanoseconds) {
    let errors: [Errno] = [.connectionRefused, .noRouteToHost, .networkUnreachable, .messageTooLong]
    let time = chance(50) ? time + microseconds(0...1000) : reply + microseconds(0...490_000)
    add(time, .icmp(exchange, errors[pick(4)]))
  }

  /// How late something may be, in microseconds.
  private var latest: Int { reach == .any ? 20_000_000 : 9_500_000 }

  private mutating func addCopies(of exchange: Int, from first: Nanoseconds) {
    let distances = [0...0, 1...1000, 1000...490_000, 500_000...5_000_000]
    for _ in 0...pick(4) {
      let distance = distances[pick(reach == .any ? 4 : 3)]
      add(first + microseconds(distance), .reply(exchange, .whole))
    }
  }
}
