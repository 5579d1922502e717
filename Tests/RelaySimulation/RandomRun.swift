import Relay

/// Many scenarios from a seed, one after another, and what came of them.
package struct RandomRun: Sendable {
  package static let exchangesPerScenario = 100

  package private(set) var scenarios = 0
  /// Those that began; others were refused.
  package private(set) var exchanges = 0
  /// Those that began and met a fault.
  package private(set) var faulted = 0
  package private(set) var replies = 0
  package private(set) var beyond = 0
  package private(set) var tally: [String: Int] = [:]
  /// The first scenario that broke a rule, minimised, with what it broke; nil where none did.
  package private(set) var failure: String?

  private let reach: RandomScenario.Reach
  private let periods: SocketPool.Periods

  package init(reach: RandomScenario.Reach = .promised, periods: SocketPool.Periods = SocketPool.Periods()) {
    self.reach = reach
    self.periods = periods
  }

  /// Runs the scenario that a seed makes.
  package mutating func run(seed: UInt64) {
    let (scenario, faulted) = RandomScenario.make(seed: seed, exchanges: Self.exchangesPerScenario, reach: reach)
    let ledger = Simulation.run(scenario, periods: periods)
    scenarios += 1
    exchanges += ledger.begun
    self.faulted += faulted.count { ledger.hasBegun($0) }
    replies += ledger.replies
    beyond += ledger.beyond
    tally.merge(ledger.tally, uniquingKeysWith: +)
    if failure == nil, isBroken(ledger) { failure = explain(scenario, seed) }
  }

  /// Where nothing happens that is beyond the rules, nothing may be taken for another's at all.
  private func isBroken(_ ledger: Ledger) -> Bool {
    !ledger.violations.isEmpty || reach == .promised && ledger.beyond > 0
  }

  private func explain(_ scenario: Scenario, _ seed: UInt64) -> String {
    let smallest = scenario.minimised { isBroken(Simulation.run($0, periods: periods)) }
    let ledger = Simulation.run(smallest, periods: periods)
    let broken = ledger.violations.map { "# \($0)\n" }.joined()
    return "seed \(seed), \(ledger.beyond) beyond the rules:\n" + broken + smallest.text
  }
}
