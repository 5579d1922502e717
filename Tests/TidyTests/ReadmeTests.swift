import ArgumentParser
import Testing

@testable import Gateway
@testable import yodel

/// What the README says of the program is so.
struct ReadmeTests {
  private let readme = try! Repository.text("README.md")

  /// The cells of every table row whose first cell is `cells[0]`-like: backticks taken off.
  private func rows(startingWith prefix: String) -> [[String]] {
    readme.split(separator: "\n").filter { $0.hasPrefix("| " + prefix) }.map { line in
      line.split(separator: "|").map { $0.filter { $0 != "`" }.trimmed }
    }
  }

  @Test func theTableOfRoutesIsTheProgramsOwn() {
    let documented = (rows(startingWith: "`GET ") + rows(startingWith: "`POST ")).map { $0[0] }
    let routes = Route.all.map { "\($0.method.rawValue) \($0.path)" } + ["GET /"]
    #expect(Set(documented) == Set(routes) && documented.count == routes.count)
  }

  @Test func theTableOfProblemsIsTheProgramsOwn() {
    let documented = (4...5).flatMap { rows(startingWith: "\($0)") }.map { "\($0[0]) \($0[1])" }
    #expect(documented.sorted() == Problem.Kind.allCases.map { "\($0.row.status) \($0.rawValue)" }.sorted())
  }

  @Test func theTableOfCommandsIsTheProgramsOwn() {
    let documented = rows(startingWith: "`yodel ").map { $0[0] }
    let commands = Yodel.configuration.subcommands.map { "yodel " + $0._commandName }
    #expect(documented == commands)
  }

  @Test func theTwoCommandsExist() throws {
    let makefile = try Repository.text("Makefile")
    for command in ["run", "test", "bench", "help"] {
      #expect(readme.contains("make \(command)") && makefile.contains("\n\(command):"))
    }
  }

  @Test func everyLinkLeadsToAFile() throws {
    for part in readme.split(separator: "](").dropFirst() {
      let target = String(part.prefix { $0 != ")" })
      if !target.hasPrefix("http") { _ = try Repository.text(target) }
    }
  }
}

extension String {
  fileprivate var trimmed: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
