import Foundation
import RelaySimulation
import Testing

/// The relay's engine over a network that is made up, through what the texts in Scenarios say.
struct ScenarioTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Scenarios")

  static let names = try! FileManager.default.contentsOfDirectory(atPath: folder.path)
    .filter { $0.hasSuffix(".txt") }.sorted()

  @Test(arguments: names) func itGoesAsTheScenarioSays(_ name: String) throws {
    let text = try String(contentsOf: Self.folder.appending(path: name), encoding: .utf8)
    for violation in Simulation.run(try Scenario(text)).violations { Issue.record("\(violation)") }
  }
}
