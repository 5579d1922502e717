import Basics
import Relay
import Sockets
import SystemPackage

// Whether an exchange's end is the one that what happened justifies.

extension Ledger {
  /// What a loop that is not held up takes at most to tell an end.
  private static let patience = Nanoseconds.milliseconds(5)

  func begins(_ exchange: Int, with sending: Scenario.Sending, at time: MonotonicTime) {
    accounts[exchange].target = sending.target
    accounts[exchange].begin = time
    accounts[exchange].deadline = time + sending.timeout
    accounts[exchange].heldUp = heldUp
  }

  /// The exchange ended: of those that began, each does so once.
  func ends(_ exchange: Int, _ result: Result<Reply, RelayError>, at time: MonotonicTime) {
    guard accounts[exchange].end == nil else { return note("exchange \(exchange) ended twice") }
    inFlight -= 1
    switch result {
    case .success(let reply): judge(reply, of: exchange, at: time)
    case .failure(let error): judge(error, of: exchange, at: time)
    }
    close(exchange, result, at: time)
  }

  private func close(_ exchange: Int, _ result: Result<Reply, RelayError>, at time: MonotonicTime) {
    accounts[exchange].end = result
    accounts[exchange].endedAt = time
    ended += 1
    count(Self.name(result))
  }

  private func judge(_ reply: Reply, of exchange: Int, at time: MonotonicTime) {
    replies += 1
    let account = accounts[exchange]
    guard let datagram = account.connection?.lastRead, let sentAt = account.sentAt else {
      return note("exchange \(exchange) has a reply that nobody sent")
    }
    if datagram.form != .empty, reply.bytes != Self.reply(to: datagram.answers) {
      note("the reply of \(exchange) is not what was read")
    }
    if datagram.form == .cut { note("the reply of \(exchange) was cut, and delivered") }
    if reply.sender != datagram.source { note("the sender of the reply of \(exchange) is not who sent it") }
    if reply.roundTrip < .zero || time - account.begin < reply.roundTrip {
      note("the round trip of \(exchange) is \(reply.roundTrip.milliseconds) ms")
    }
    if isLate(time, after: max(datagram.arrival, sentAt), account) { note("the reply of \(exchange) was told late") }
    if datagram.answers == exchange { return }
    let isBeyond = datagram.answers != nil && (!datagram.isPromised || account.isEarly)
    misattributed(datagram.answers, isBeyond: isBeyond || clockSetAt >= datagram.arrival, to: exchange, "reply")
  }

  /// What is about one exchange, or none, was taken for another's.
  private func misattributed(_ truth: Int?, isBeyond: Bool, to exchange: Int, _ what: String) {
    guard isBeyond else {
      return note("MISATTRIBUTED: exchange \(exchange) got the \(what) of \(truth.map { "\($0)" } ?? "a third party")")
    }
    count("beyond the rules: the \(what) of another")
    beyond += 1
  }

  private func isLate(_ time: MonotonicTime, after due: MonotonicTime, _ account: Account) -> Bool {
    time - due > Nanoseconds(Self.patience.count + heldUp.count - account.heldUp.count)
  }

  private func judge(_ error: RelayError, of exchange: Int, at time: MonotonicTime) {
    let account = accounts[exchange]
    switch error {
    case .noReply:
      if time < account.deadline { note("exchange \(exchange) ended before its deadline") }
      if isLate(time, after: account.deadline, account) { note("exchange \(exchange) ended after its deadline") }
      if account.hasReadReply, clockSetAt < account.begin { note("the reply of \(exchange) was read and lost") }
      if let last = account.troubles.last, last.errno != .messageTooLong { note("the error of \(exchange) was lost") }
      let unread = account.connection?.queue.first { $0.answers == exchange && $0.arrival < account.deadline }
      if unread != nil { note("the reply of \(exchange) lies unread at its deadline") }
    case .cancelled:
      if !account.isCancelled { note("exchange \(exchange) was cancelled by nobody") }
    case .portUnreachable:
      judgeTrouble(.connectionRefused, of: exchange)
    case .targetUnreachable(.messageTooLong, _) where account.hasReadCut:
      cutEnds += 1
    case .targetUnreachable(let errno, _):
      judgeTrouble(errno, of: exchange)
    case .overloaded(.buffers), .overloaded(.ports), .overloaded(.descriptors):
      if account.failures.isEmpty { note("exchange \(exchange) ended by \(error) without a cause") }
    case .messageTooLarge, .overloaded:
      note("exchange \(exchange) ended by \(error) after it had begun")
    }
  }

  private func judgeTrouble(_ errno: Errno, of exchange: Int) {
    let account = accounts[exchange]
    if account.failures.contains(errno) { return }
    guard let trouble = account.troubles.last(where: { $0.errno == errno }) else {
      return note("exchange \(exchange) ended by \(errno), of which nobody told")
    }
    if trouble.exchange == exchange { return }
    misattributed(trouble.exchange, isBeyond: !trouble.isPromised || account.isEarly, to: exchange, "error")
  }

  /// An exchange did not begin.
  func refuses(_ exchange: Int, _ error: RelayError, at time: MonotonicTime, _ budget: ExchangeBudget) {
    let isJustified =
      switch error {
      case .overloaded(.exchanges): inFlight + max(0, budget.retiredSockets - budget.limit) >= budget.limit
      case .overloaded(.restedSockets):
        // A reply that is not believed, since the clock was set, is surplus too.
        time - max(surplusAt[accounts[exchange].target] ?? clockSetAt, clockSetAt) < Limits.quietBeforeEarlyReuse
      case .overloaded(.retiredSockets): budget.retiredSockets > 0
      case .overloaded(.descriptors), .overloaded(.ports), .overloaded(.buffers), .targetUnreachable:
        openFailure.map { RelayError(opening: SocketError(.connect, $0)) == error } ?? false
      case .noReply, .portUnreachable, .messageTooLarge, .cancelled, .overloaded(.series): false
      }
    if !isJustified { note("exchange \(exchange) was refused without a cause: \(error)") }
    close(exchange, .failure(error), at: time)
  }
}

// MARK: - Names

extension Ledger {
  static let errorNames = [
    "no-reply", "cancelled", "port-unreachable", "target-unreachable", "message-too-large", "overloaded",
  ]

  static func name(_ result: Result<Reply, RelayError>) -> String {
    switch result {
    case .success: "reply"
    case .failure(let error): name(error)
    }
  }

  private static func name(_ error: RelayError) -> String {
    switch error {
    case .noReply: "no-reply"
    case .cancelled: "cancelled"
    case .portUnreachable: "port-unreachable"
    case .targetUnreachable(let errno, _): "target-unreachable \(Scenario.name(errno))"
    case .messageTooLarge: "message-too-large"
    case .overloaded(.exchanges): "overloaded exchanges"
    case .overloaded(.restedSockets): "overloaded rested-sockets"
    case .overloaded(.retiredSockets): "overloaded retired-sockets"
    case .overloaded(.series): "overloaded series"
    case .overloaded(.descriptors): "overloaded descriptors"
    case .overloaded(.ports): "overloaded ports"
    case .overloaded(.buffers): "overloaded buffers"
    }
  }
}
