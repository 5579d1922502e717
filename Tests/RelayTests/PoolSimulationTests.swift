import Testing

@Suite struct PoolSimulationTests {
  struct Scenario: CustomTestStringConvertible {
    var seed: UInt64
    var capacity: Int
    var targets: Int

    var testDescription: String { "seed \(seed), capacity \(capacity), \(targets) targets" }
  }

  static let scenarios = [
    Scenario(seed: 1, capacity: 8, targets: 2), Scenario(seed: 2, capacity: 16, targets: 3),
    Scenario(seed: 3, capacity: 1, targets: 1), Scenario(seed: 4, capacity: 5, targets: 8),
    Scenario(seed: 5, capacity: 24, targets: 1),
  ]

  @Test(arguments: scenarios) func aSocketIsInOneStateAndNeverChosenWrongly(_ scenario: Scenario) {
    var simulation = PoolSimulation(seed: scenario.seed, capacity: scenario.capacity, targets: scenario.targets)
    for _ in 0..<30_000 where simulation.violations.isEmpty { simulation.step() }
    simulation.wind()
    #expect(simulation.violations == [])
    #expect(simulation.pool.count == 0, "every socket is closed in the end")
    let targets = Mirror(reflecting: simulation.pool).descendant("destinations", "places")
    #expect(targets.map { Mirror(reflecting: $0).children.count } == 0, "every target is forgotten in the end")
    for kind in ["open", "rested", "early", "none", "overflow", "expired"] {
      #expect(simulation.tally[kind, default: 0] > 5, "\(kind) hardly happened: \(simulation.tally)")
    }
  }
}
