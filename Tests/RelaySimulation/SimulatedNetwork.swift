import Basics
import EventLoop
import Relay
import Sockets
import SystemPackage

/// A kernel, a clock and a network that are made up, with the habits of Linux's: a connected socket hears its peer
/// alone, an error by ICMP is told once to whoever calls first and again from the error queue, and a port that was
/// closed is handed out again at once.
package final class SimulatedNetwork: RelayNetwork {
  package typealias TimerID = TimerQueue<Int>.ID

  static let begin = MonotonicTime(nanoseconds: 1_000_000_000_000)
  /// What a system call takes.
  private static let callTime = Nanoseconds(500)
  static let stranger = SocketAddress("203.0.113.9:9")!

  let scenario: Scenario
  let ledger: Ledger
  private(set) var time = begin
  package internal(set) var now = begin
  private var wallOffset = Nanoseconds(1_700_000_000_000_000_000)
  var timers = TimerQueue<Int>()

  /// What the network and the kernel will do, the next last.
  private var agenda: [Scenario.Step]
  private var ports: [SimulatedConnection?]
  /// The one that was closed last is at the end.
  private var freePorts: [Int]
  var readyConnections: [SimulatedConnection] = []
  private var failures: [Scenario.Call: [Errno]] = [:]
  private var delays: [Scenario.Call: Nanoseconds] = [:]
  private var isStrangerEarly = false
  private(set) var openCount = 0

  init(_ scenario: Scenario, ledger: Ledger) {
    self.scenario = scenario
    self.ledger = ledger
    agenda = scenario.steps.filter { !$0.action.isLoops }.reversed()
    ports = Array(repeating: nil, count: scenario.ports)
    freePorts = Array((0..<scenario.ports).reversed())
  }

  /// From the begin.
  var elapsed: Nanoseconds { time - Self.begin }

  func time(of step: Scenario.Step) -> MonotonicTime { Self.begin + step.time }

  /// When the network does something next.
  var nextEvent: MonotonicTime? { agenda.last.map { time(of: $0) } }

  /// Lets time pass, and whatever comes meanwhile come.
  func advance(to end: MonotonicTime) {
    while let step = agenda.last, time(of: step) <= end {
      time = max(time, time(of: step))
      agenda.removeLast()
      perform(step.action)
    }
    time = max(time, end)
  }

  private func perform(_ action: Scenario.Action) {
    switch action {
    case .reply(let exchange, let form): reply(to: exchange, form)
    case .stranger(let exchange):
      if let port = ledger.accounts[exchange].port { deliver(datagram(from: Self.stranger), to: port) }
    case .early: isStrangerEarly = true
    case .icmp(let exchange, let errno): report(errno, about: exchange)
    case .fail(let call, let errno): failures[call, default: []].append(errno)
    case .slow(let call, let span): delays[call] = span
    case .room(let exchange): connection(of: exchange)?.hasRoom()
    case .wake(let exchange): connection(of: exchange)?.wake()
    case .clock(let span):
      ledger.count("wall clock set")
      wallOffset = wallOffset + span
      ledger.clockSetAt = time
    case .send, .cancel, .stall, .check: preconditionFailure("the loop does that")
    }
  }

  /// The socket on the port that the exchange's message left from, whoever has it now.
  private func connection(of exchange: Int) -> SimulatedConnection? {
    ledger.accounts[exchange].port.flatMap { ports[$0] }
  }
}

// MARK: - Datagrams

extension SimulatedNetwork {
  /// What is on its way, and what it is in truth.
  struct Datagram {
    var source: SocketAddress
    var arrival: MonotonicTime
    /// What the wall clock said then.
    var stamp: WallTime
    /// The exchange that it answers; nil where it is a third party's.
    var answers: Int?
    var form = Scenario.Form.whole
    /// The rules promise that it reaches no other exchange.
    var isPromised = true

  }

  private func datagram(from source: SocketAddress) -> Datagram {
    Datagram(source: source, arrival: time, stamp: wallTime())
  }

  private func reply(to exchange: Int, _ form: Scenario.Form) {
    guard let port = ledger.accounts[exchange].port else { return ledger.count("moot") }
    var datagram = datagram(from: Self.address(ofTarget: ledger.accounts[exchange].target))
    datagram.answers = exchange
    datagram.form = form
    datagram.isPromised = ledger.isPromised(exchange, at: time)
    ledger.count(ledger.accounts[exchange].end == nil ? "reply" : "late reply")
    deliver(datagram, to: port)
  }

  private func deliver(_ datagram: Datagram, to port: Int) {
    guard let connection = ports[port] else { return ledger.count("met a closed port") }
    guard datagram.source == connection.peer else { return ledger.count("filtered by the kernel") }
    connection.enqueue(datagram)
  }

  private func report(_ errno: Errno, about exchange: Int) {
    let account = ledger.accounts[exchange]
    guard let connection = connection(of: exchange), connection.peer == Self.address(ofTarget: account.target)
    else { return }
    ledger.count("ICMP")
    let isPromised = ledger.isPromised(exchange, at: time)
    connection.enqueue(SimulatedConnection.Trouble(errno, about: exchange, isPromised: isPromised))
  }

  static func address(ofTarget number: Int) -> SocketAddress {
    SocketAddress(.v4(IPv4Address(bits: 0xC000_0200 + UInt32(number))), port: 7)
  }
}

// MARK: - What the relay calls

extension SimulatedNetwork {
  package func monotonicTime() -> MonotonicTime { time }
  package func wallTime() -> WallTime { WallTime(nanoseconds: time.nanoseconds + wallOffset.count) }

  /// A system call takes its time, and may fail.
  func call(_ call: Scenario.Call) -> Errno? {
    let delay = delays.isEmpty ? nil : delays.removeValue(forKey: call)
    if let delay {
      ledger.stalled(for: delay)
      ledger.count("slow \(call)")
    }
    advance(to: time + Self.callTime + (delay ?? .zero))
    guard !failures.isEmpty, failures[call]?.isEmpty == false else { return nil }
    ledger.count("failed \(call)")
    return failures[call]!.removeFirst()
  }

  package func open(to target: SocketAddress, token: Int) throws(SocketError) -> SimulatedConnection {
    if let errno = call(.open) { throw openingFailed(errno) }
    guard let port = freePorts.popLast() else { throw openingFailed(.resourceTemporarilyUnavailable) }
    let connection = SimulatedConnection(on: self, port: port, peer: target, token: token)
    if isStrangerEarly {
      isStrangerEarly = false
      ledger.count("early stranger")
      connection.enqueue(datagram(from: Self.stranger))
      _ = call(.idle)
    }
    ports[port] = connection
    openCount += 1
    ledger.opened += 1
    return connection
  }

  private func openingFailed(_ errno: Errno) -> SocketError {
    ledger.openFailure = errno
    return SocketError(.connect, errno)
  }

  package func watch(_ connection: SimulatedConnection, forRoom: Bool) throws(SocketError) {
    if let errno = call(.watch) {
      ledger.noteFailure(errno, on: connection)
      throw SocketError(.epoll_ctl, errno)
    }
    connection.isWatchedForRoom = forRoom
    connection.becomeReady()
  }

  package func close(_ connection: SimulatedConnection) {
    precondition(!connection.isClosed, "a socket was closed twice")
    connection.isClosed = true
    ports[connection.port] = nil
    freePorts.append(connection.port)
    openCount -= 1
    ledger.closed += 1
    ledger.lostAtClose += connection.queue.count
  }

  package func schedule(at deadline: MonotonicTime, token: Int) -> TimerID {
    timers.insert(token, at: deadline)
  }

  package func cancel(_ timer: TimerID) {
    timers.cancel(timer)
  }
}
