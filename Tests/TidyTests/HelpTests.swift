import ArgumentParser
import Testing

@testable import yodel

/// What `--help` shows can be typed as it stands there.
struct HelpTests {
  /// The words of the command lines in a text: of those that are indented and begin with `yodel`.
  private func commands(in text: String) -> [[String]] {
    text.split(separator: "\n").filter { $0.hasPrefix("  yodel ") }.map { line in
      let command = line.drop { $0 == " " }.split(separator: " && ")[0]
      // Odd pieces stood between quotes.
      return command.split(separator: "'", omittingEmptySubsequences: false).enumerated().flatMap { index, piece in
        index.isMultiple(of: 2) ? piece.split(separator: " ").map(String.init) : [String(piece)]
      }
    }
  }

  @Test(arguments: ["serve", "echo", "send", "ping", "healthcheck"])
  func everyExampleIsTakenAsItStands(command: String) throws {
    let type = try #require(Yodel.configuration.subcommands.first { $0._commandName == command })
    let examples = commands(in: type.configuration.discussion)
    #expect(!examples.isEmpty)
    for words in examples {
      #expect(words[1] == command)
      #expect(throws: Never.self, "\(words)") { try Yodel.parseAsRoot(Array(words.dropFirst())) }
    }
  }
}
