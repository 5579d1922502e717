import ArgumentParser
import Basics
import Echo
import Testing

@testable import Gateway
@testable import yodel

/// What the README says of the program is so.
struct ReadmeTests {
  private let readme = try! Repository.text("README.md")
  /// What users read first, and what it sends them to for the bounds.
  private let documents = try! ["README.md", "SECURITY.md", "Packaging/prometheus/README.md"].map(Repository.text)
    .joined()

  /// The cells of every table row whose first cell is `cells[0]`-like: backticks taken off.
  private func rows(startingWith prefix: String) -> [[String]] {
    readme.split(separator: "\n").filter { $0.hasPrefix("| " + prefix) }.map { line in
      line.split(separator: "|").map { $0.filter { $0 != "`" }.trimmed }
    }
  }

  @Test func theTableOfRoutesIsTheProgramsOwn() {
    let documented = ["GET", "POST", "PUT", "PATCH", "DELETE"].flatMap { rows(startingWith: "`\($0) ") }.map { $0[0] }
    let routes = Route.all.map { "\($0.method.rawValue) \($0.path)" } + ["GET /"]
    #expect(Set(documented) == Set(routes) && documented.count == routes.count)
  }

  @Test func theTableOfImpairmentsIsTheProgramsOwn() throws {
    let section = try #require(
      readme.split(separator: "## A network that misbehaves").last?.split(separator: "\n## ").first)
    let documented = section.split(separator: "\n").compactMap { $0.wholeMatch(of: /\| `([a-z_]+)` \|.*/)?.output.1 }
    #expect(documented.map(String.init).sorted() == Impairments.Setting.allCases.map(\.rawValue).sorted())
    let held = Limits.heldBytes + Limits.bytesOfHeld + Limits.bytesInTransit
    for bound in ["\(Limits.heldBytes >> 20) MiB of payload, some \(held >> 20) MiB", "65,536 replies"] {
      #expect(section.replacing("\n", with: " ").contains(bound), "\(bound)")
    }
    #expect(Limits.heldDatagrams == 65_536 && Limits.longestLinkWait == .seconds(60))
    #expect(Limits.longestDelayMilliseconds == 60_000 && Limits.longestImpairment == 7 * 86_400_000)
  }

  @Test func theTableOfProblemsIsTheProgramsOwn() {
    let documented = (400...599).flatMap { rows(startingWith: "\($0) ") }.map { "\($0[0]) \($0[1])" }
    #expect(documented.sorted() == Problem.Kind.allCases.map { "\($0.row.status) \($0.rawValue)" }.sorted())
  }

  @Test func theTableOfCommandsIsTheProgramsOwn() {
    let documented = rows(startingWith: "`yodel ").map { $0[0] }
    let commands = Yodel.configuration.subcommands.map { "yodel " + $0._commandName }
    #expect(documented == commands)
  }

  @Test func theBoundsAreTheProgramsOwn() {
    func text(_ span: Nanoseconds) -> String { "\(span.count / 1_000_000_000) s" }
    let room = Limits.connectionPool - Limits.connectionPoolReserve
    for bound in [
      "\(Limits.requestBody >> 10) KiB; \(Limits.bufferedBodies >> 20) MiB for all",
      "\(room >> 10) KiB, each header, cookie and argument of a query counted as \(Limits.headerOverhead) bytes more",
      "head \(text(Limits.headDeadline)), body \(text(Limits.bodyDeadline))",
      "next head \(text(Limits.keepAliveDeadline)), reading the answer \(text(Limits.answerDeadline))",
      "`--max-connections` (\(Limits.defaultMaxConnections))",
      "`--max-feeds` (\(Limits.defaultMaxFeeds)), \(Limits.feedsPerClient) for one client",
      "the newest 1,024 datagrams, the first 1,024 bytes of each",
      "closed after \(Limits.inactivityTimeoutSeconds) s in",
      "every \(text(Limits.feedKeepAlive)) that it is still there", "`--max-in-flight` (\(Limits.defaultMaxInFlight))",
      "\(Limits.connectionsOverLimit) (\(Limits.connectionsOverShare)) later: closed",
      "`--message-rate`: \(Limits.defaultMessageRate) for", "`--echo-rate`: \(Limits.defaultEchoRate) for",
      "the reading of an answer \(text(Limits.drainSending)), a head \(text(Limits.drainGrace))",
      "a hop limit of \(Limits.echoHopLimit),",
      "\(Limits.echoHopLimits.lowerBound) to \(Limits.echoHopLimits.upperBound) hops left",
      "`--max-series` (\(Limits.defaultMaxSeries))",
      "`count` datagrams (\(Limits.probeCount.lowerBound) to \(Limits.probeCount.upperBound); "
        + "\(Limits.defaultProbeCount)) of `size` bytes (\(Limits.probeSize.lowerBound) to "
        + "\(Limits.probeSize.upperBound); \(Limits.defaultProbeSize))",
      "(\(Limits.probeIntervalMilliseconds.lowerBound) to \(Limits.probeIntervalMilliseconds.upperBound); "
        + "\(Limits.defaultProbeIntervalMilliseconds); at least \(Limits.remoteProbeIntervalMilliseconds) from",
      "`timeout_ms` (\(Limits.timeoutMilliseconds.lowerBound) to \(Limits.timeoutMilliseconds.upperBound))",
      "from \(Limits.probeTimeout.lowerBound.seconds) to \(text(Limits.probeTimeout.upperBound))",
    ] {
      // A line may end anywhere.
      #expect(documents.replacing("\n", with: " ").contains(bound), "\(bound)")
    }
    #expect(Limits.recordedDatagrams == 1024 && Limits.recordedBytes == 1024)
    #expect(Limits.exactRoundTrips == 10_000 && documents.contains("knows exactly 10,000 round trips"))
    #expect(Limits.listedDuplicates == 10_000 && Limits.longestSeries == .seconds(3600))
    #expect(Limits.connectionShare == 4 && documents.contains("a quarter for one client"))
    #expect(
      Limits.scrapeTimeoutOffset == .milliseconds(500) && documents.contains("half a second less than Prometheus"))
    #expect(Limits.logLinesPerSecond == 1 && documents.contains("one a second and kind"))
  }

  @Test func whatIsToBeMadeCanBeMade() throws {
    let makefile = try Repository.text("Makefile")
    let text = try ["README.md", "CONTRIBUTING.md", "Packaging/README.md"].map(Repository.text).joined(separator: "\n")
    let commands = Set(text.matches(of: /(?:`|\n)make ([a-z0-9.-]+)/).map(\.output.1))
    #expect(commands.isSuperset(of: ["run", "test", "bench", "help"]))
    for command in commands { #expect(makefile.contains("\n\(command):"), "make \(command)") }
  }

  @Test(arguments: ["Benchmarks", "Tests/Interop"])
  func aTableOfFilesHasThemAll(folder: String) throws {
    let files = try Repository.files(in: folder).filter { folder == "Benchmarks" || $0.hasPrefix("test_") }
    let table = try Repository.text("\(folder)/README.md").split(separator: "\n").filter { $0.hasPrefix("| `") }
    #expect(!files.isEmpty)
    for file in files where file != "README.md" {
      #expect(table.contains { $0.split(separator: "|")[0].contains("`\(file)`") }, "\(folder)/\(file)")
    }
  }

  @Test func theProgramThatEmbedsAGatewayIsTheOneThatIsTested() throws {
    #expect(readme.contains("```swift\n" + (try Repository.text("Tests/Embedding/main.swift")) + "```"))
  }

  @Test(arguments: ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"] + packaging)
  func everyLinkLeadsToAFile(document: String) throws {
    let folder = document.split(separator: "/").dropLast().map { $0 + "/" }.joined()
    let links = try Repository.text(document).split(separator: "](").dropFirst().map { String($0.prefix { $0 != ")" }) }
    #expect(!links.isEmpty)
    for target in links where !target.hasPrefix("http") {
      #expect(Repository.has(folder + target), "\(document): \(target)")
    }
  }

  static let packaging = ["", "fleet/", "prometheus/"].map { "Packaging/\($0)README.md" }
}

extension String {
  fileprivate var trimmed: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
