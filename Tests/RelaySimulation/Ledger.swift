import Basics
import Relay
import Sockets
import SystemPackage

/// What the simulation knows of every exchange, and the relay does not: by this each end is judged.
package final class Ledger {
  struct Account {
    var target = 0
    var hasBegun = false
    var begin = MonotonicTime(nanoseconds: 0)
    var deadline = MonotonicTime(nanoseconds: 0)
    /// All the time that the loop had been held up until the begin.
    var heldUp = Nanoseconds.zero
    var isCancelled = false
    var connection: SimulatedConnection?
    /// Its socket had not rested, since the pool was at its cap.
    var isEarly = false
    /// When the kernel took the message; the port is known to the network from then on.
    var sentAt: MonotonicTime?
    var port: Int?
    var failures: [Errno] = []
    var troubles: [SimulatedConnection.Trouble] = []
    /// A whole reply to it was read when it waited for one.
    var hasReadReply = false
    var hasReadCut = false
    /// What may answer it was read after it had ended without a reply.
    var hasReadOwed = false
    var end: Result<Reply, RelayError>?
    var endedAt = MonotonicTime(nanoseconds: 0)
  }

  package internal(set) var violations: [String] = []
  /// What happened, and how often.
  package private(set) var tally: [String: Int] = [:]
  /// Replies and errors that were taken for another message's, later than the rules defend against.
  package internal(set) var beyond = 0
  package internal(set) var replies = 0
  package internal(set) var ended = 0

  /// Exchanges that began.
  package internal(set) var begun = 0

  var accounts: [Account]
  /// When a target's datagram was last read, or an error told, that nobody waited for.
  var surplusAt: [Int: MonotonicTime] = [:]
  var inFlight = 0
  var clockSetAt = MonotonicTime(nanoseconds: 0)
  private(set) var heldUp = Nanoseconds.zero
  /// Why the last socket could not be opened.
  var openFailure: Errno?
  var opened = 0
  var closed = 0
  /// Datagrams that a socket's buffer took, and those that ended their exchange by being cut.
  var queued = 0
  var cutEnds = 0
  var lostAtClose = 0

  init(exchanges: Int) {
    accounts = Array(repeating: Account(), count: exchanges)
  }

  /// Whether an exchange began, and was not refused.
  package func hasBegun(_ exchange: Int) -> Bool { accounts[exchange].hasBegun }

  func note(_ violation: @autoclosure () -> String) {
    if violations.count < 20 { violations.append(violation()) }
  }

  func count(_ event: String) {
    tally[event, default: 0] += 1
  }

  func stalled(for span: Nanoseconds) {
    heldUp = heldUp + span
  }
}

// MARK: - Tags

extension Ledger {
  /// A message is its exchange's number; what answers it is the same, marked.
  static func message(_ exchange: Int) -> [UInt8] {
    withUnsafeBytes(of: UInt64(exchange).littleEndian, Array.init)
  }

  static func number(in message: [UInt8]) -> Int {
    message.withUnsafeBytes { Int(UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self))) }
  }

  static func reply(to exchange: Int?) -> [UInt8] {
    message(exchange ?? Int.max) + [UInt8(ascii: "!")]
  }
}

// MARK: - What the network tells

extension Ledger {
  /// Whether what concerns an exchange and arrives now must not reach another: as long as a socket rests after a clean
  /// reply, or is held after any other end.
  func isPromised(_ exchange: Int, at time: MonotonicTime) -> Bool {
    let account = accounts[exchange]
    switch account.end {
    case nil: return true
    case .success?: return time <= account.endedAt + Limits.rest
    case .failure?: return time <= account.endedAt + Limits.retirement
    }
  }

  /// A socket carries another exchange from now on.
  func taken(_ connection: SimulatedConnection, for exchange: Int, after previous: Int?) {
    accounts[exchange].connection = connection
    guard let previous else { return count("new socket") }
    let rest = accounts[exchange].begin - accounts[previous].endedAt
    if case .success? = accounts[previous].end {
      count(rest < Limits.rest ? "early reuse" : "reuse")
    } else {
      note("exchange \(exchange) uses a socket whose last exchange had no clean reply")
    }
    guard rest < Limits.rest else { return }
    accounts[exchange].isEarly = true
    // The socket was chosen at the begin, and what was heard after that came too late to know.
    if let surplus = surplusAt[accounts[exchange].target], surplus <= accounts[exchange].begin,
      accounts[exchange].begin - surplus < Limits.quietBeforeEarlyReuse
    {
      note("exchange \(exchange) uses a socket early, though its target is known to send surplus")
    }
  }

  func sent(_ exchange: Int, at time: MonotonicTime) {
    if accounts[exchange].end != nil { note("message \(exchange) was sent after its exchange had ended") }
    if accounts[exchange].sentAt != nil { note("message \(exchange) was sent twice") }
    accounts[exchange].sentAt = time
    accounts[exchange].port = accounts[exchange].connection?.port
  }

  func read(_ datagram: SimulatedNetwork.Datagram, on connection: SimulatedConnection, at time: MonotonicTime) {
    guard let exchange = connection.exchange, accounts[exchange].end == nil, let sentAt = accounts[exchange].sentAt,
      datagram.arrival >= sentAt
    else {
      if isOwed(to: connection.exchange) { return }
      // The relay takes what comes to a socket for its target's.
      if let about = datagram.answers ?? connection.exchange { surplusAt[accounts[about].target] = time }
      return
    }
    if datagram.form == .cut { accounts[exchange].hasReadCut = true }
    if datagram.form != .cut, datagram.answers == exchange { accounts[exchange].hasReadReply = true }
  }

  /// Whether what was read is the one reply that a message may have which nobody waits for any more: a target that is
  /// late sends no more than it is asked for.
  private func isOwed(to exchange: Int?) -> Bool {
    guard let exchange, accounts[exchange].sentAt != nil, !accounts[exchange].hasReadOwed else { return false }
    switch accounts[exchange].end {
    case .failure(.noReply)?, .failure(.cancelled)?: accounts[exchange].hasReadOwed = true
    default: return false
    }
    return true
  }

  func told(
    _ trouble: SimulatedConnection.Trouble, on connection: SimulatedConnection, at time: MonotonicTime
  ) {
    if let exchange = connection.exchange, accounts[exchange].end == nil {
      accounts[exchange].troubles.append(trouble)
    } else {
      surplusAt[accounts[trouble.exchange].target] = time
    }
  }

  func noteFailure(_ errno: Errno, on connection: SimulatedConnection) {
    if let exchange = connection.exchange, accounts[exchange].end == nil {
      accounts[exchange].failures.append(errno)
    }
  }
}
