import Basics
import Relay
import Sockets
import TestSupport

/// Drives a pool at random from a seed, and checks every answer against a plain account of what each socket did.
struct PoolSimulation {
  struct Account {
    var target: SocketAddress
    var state: State
  }

  enum State: Equatable {
    case inFlight
    case resting(since: MonotonicTime)
    case retired(until: MonotonicTime)
  }

  let capacity: Int
  let targets: [SocketAddress]
  var pool: SocketPool
  var random: SeededGenerator
  var now = MonotonicTime(nanoseconds: 0)
  var accounts: [Int: Account] = [:]
  var surplusAt: [SocketAddress: MonotonicTime] = [:]
  var freeIDs: [Int] = []
  var nextID = 0
  /// What broke a rule, in words.
  var violations: [String] = []
  /// How often each kind of choice was made: a simulation that never comes to the cap proves nothing.
  var tally: [String: Int] = [:]

  init(seed: UInt64, capacity: Int, targets count: Int) {
    self.capacity = capacity
    targets = (1...count).map { SocketAddress(.v4(IPv4Address(bits: UInt32($0))), port: 9) }
    pool = SocketPool(capacity: capacity)
    random = SeededGenerator(seed: seed)
  }

  mutating func step() {
    // Mostly microseconds, at times long enough for rests, retirements and the end of noise.
    let spans: [Nanoseconds] = [
      Nanoseconds(0), Nanoseconds(1), .milliseconds(1), .milliseconds(60), .milliseconds(700), .seconds(12),
    ]
    let span = Int.random(in: 0..<1000, using: &random)
    now = now + (span == 0 ? .seconds(61) : span < 20 ? spans[5] : spans[span % 5])
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<45: take()
    case 45..<80: endExchange(cleanly: true)
    case 80..<86: endExchange(cleanly: false)
    case 86..<90: hearSurplus()
    case 90..<98: expire()
    default: pool.forgetIdleTargets(at: now)
    }
    checkCounts()
  }

  // MARK: Operations

  private mutating func take() {
    let target = targets.randomElement(using: &random)!
    let fresh = Int.random(in: 0..<10, using: &random) == 0
    let choice = pool.take(for: target, fresh: fresh, at: now)
    switch choice {
    case .reuse(let id): reuse(id, for: target, fresh: fresh)
    case .open: open(for: target, fresh: fresh)
    case .none: checkNone(for: target, fresh: fresh)
    case .exhausted: checkExhausted(for: target)
    }
  }

  private mutating func reuse(_ id: Int, for target: SocketAddress, fresh: Bool) {
    guard let account = accounts[id], case .resting(let since) = account.state else {
      return note("socket \(id) was chosen while it was \(String(describing: accounts[id]?.state))")
    }
    if fresh { note("a used socket was chosen for a fresh message") }
    if account.target != target { note("socket \(id) of another target was chosen") }
    if let longest = resting(for: target).map(\.since).min(), since != longest { note("not the longest rested") }
    if now - since < Limits.rest {
      if !isQuiet(target) { note("socket \(id) was reused early for a noisy target") }
      if !isNearCap(target) { note("socket \(id) was reused early though there was room") }
      tally["early", default: 0] += 1
    } else {
      tally["rested", default: 0] += 1
    }
    accounts[id]!.state = .inFlight
  }

  private mutating func open(for target: SocketAddress, fresh: Bool) {
    let rested = resting(for: target)
    if !fresh, rested.contains(where: { now - $0.since >= Limits.rest }) { note("a rested socket was passed over") }
    if !fresh, !rested.isEmpty, restingCount + inFlight(target) >= capacity { note("opened past the cap") }
    tally["open", default: 0] += 1
    guard Int.random(in: 0..<20, using: &random) > 0 else { return pool.abandoned(target) }
    let id = freeIDs.popLast() ?? nextID
    nextID = max(nextID, id + 1)
    pool.opened(id, for: target)
    accounts[id] = Account(target: target, state: .inFlight)
  }

  /// A quarter of the places is for other targets' sockets that must be held.
  private mutating func checkExhausted(for target: SocketAddress) {
    let held = accounts.values.count {
      if case .retired = $0.state { return $0.target == target }
      return false
    }
    if held < capacity - capacity / 4 { note("a target was refused that had \(held) retired") }
    tally["exhausted", default: 0] += 1
  }

  private mutating func checkNone(for target: SocketAddress, fresh: Bool) {
    if fresh { note("a fresh message got none") }
    if isQuiet(target) { note("a quiet target got none") }
    if !isNearCap(target) { note("a target got none though there was room") }
    if resting(for: target).contains(where: { now - $0.since >= Limits.rest }) { note("none, though one has rested") }
    tally["none", default: 0] += 1
  }

  private mutating func endExchange(cleanly: Bool) {
    guard let id = randomSocket(where: { $0 == .inFlight }) else { return }
    guard cleanly else {
      pool.retire(id, at: now)
      accounts[id]!.state = .retired(until: now + Limits.retirement)
      return
    }
    accounts[id]!.state = .resting(since: now)
    let longest = allResting().map(\.since).min()!
    guard let displaced = pool.rest(id, at: now) else { return }
    tally["overflow", default: 0] += 1
    if restingCount <= capacity { note("a socket gave way though there was room") }
    switch displaced {
    case .retired(let id):
      if accounts[id]?.state != .resting(since: longest) { note("not the longest rested gave way") }
      accounts[id]?.state = .retired(until: now + Limits.retirement)
    case .closed(let id):
      if accounts[id]?.state != .resting(since: longest) { note("not the longest rested gave way") }
      if now - longest < Limits.rest { note("socket \(id) was closed before it had rested") }
      accounts[id] = nil
      freeIDs.append(id)
    }
  }

  private mutating func hearSurplus() {
    guard let id = randomSocket(where: { _ in true }), let account = accounts[id] else { return }
    var rested = false
    if case .resting = account.state { rested = true }
    if pool.heardSurplus(id, at: now) != rested { note("surplus on \(account.state) was taken wrongly") }
    if rested { accounts[id]!.state = .retired(until: now + Limits.retirement) }
    surplusAt[account.target] = now
  }

  private mutating func expire() {
    while let (id, wasRetired) = pool.popExpired(at: now) {
      switch accounts[id]?.state {
      case .retired(let until)?: if until > now || !wasRetired { note("socket \(id) left retirement early") }
      case .resting(let since)?: if now - since < Limits.idleSocket || wasRetired { note("\(id) was not idle") }
      case .inFlight?, nil: note("socket \(id) was closed in flight, or twice")
      }
      accounts[id] = nil
      freeIDs.append(id)
      tally["expired", default: 0] += 1
    }
    if accounts.values.contains(where: { $0.state.isOver(at: now) }) { note("an expired socket was kept") }
  }

  /// Ends every exchange and waits until all sockets are closed.
  mutating func wind() {
    while randomSocket(where: { $0 == .inFlight }) != nil { endExchange(cleanly: Bool.random(using: &random)) }
    now = now + Limits.idleSocket + Limits.retirement
    expire()
    now = now + Limits.quietBeforeEarlyReuse
    pool.forgetIdleTargets(at: now)
    checkCounts()
  }
}

// MARK: - The account

extension PoolSimulation {
  private func allResting() -> [(id: Int, target: SocketAddress, since: MonotonicTime)] {
    accounts.compactMap { id, account in
      if case .resting(let since) = account.state { (id, account.target, since) } else { nil }
    }
  }

  private func resting(for target: SocketAddress) -> [(id: Int, target: SocketAddress, since: MonotonicTime)] {
    allResting().filter { $0.target == target }
  }

  private var restingCount: Int { allResting().count }

  private func inFlight(_ target: SocketAddress) -> Int {
    accounts.values.count { $0.target == target && $0.state == .inFlight }
  }

  private func isQuiet(_ target: SocketAddress) -> Bool {
    surplusAt[target].map { now - $0 >= Limits.quietBeforeEarlyReuse } ?? true
  }

  /// An eighth of the capacity is left for what other targets bring back.
  private func isNearCap(_ target: SocketAddress) -> Bool {
    restingCount + inFlight(target) >= capacity - capacity / 8
  }

  private mutating func randomSocket(where isWanted: (State) -> Bool) -> Int? {
    accounts.filter { isWanted($0.value.state) }.keys.sorted().randomElement(using: &random)
  }

  private mutating func note(_ violation: String) {
    if violations.count < 10 { violations.append("at \(now.nanoseconds): " + violation) }
  }

  private mutating func checkCounts() {
    let retired = accounts.values.count { if case .retired = $0.state { true } else { false } }
    if pool.count != accounts.count { note("\(pool.count) sockets, not \(accounts.count)") }
    if pool.restingCount != restingCount { note("\(pool.restingCount) at rest, not \(restingCount)") }
    if pool.retiredCount != retired { note("\(pool.retiredCount) retired, not \(retired)") }
    if pool.restingCount > capacity { note("more than the capacity at rest") }
  }
}

extension PoolSimulation.State {
  /// Whether a socket should be closed by `now`.
  func isOver(at now: MonotonicTime) -> Bool {
    switch self {
    case .inFlight: false
    case .resting(let since): now - since >= Limits.idleSocket
    case .retired(let until): until <= now
    }
  }
}
