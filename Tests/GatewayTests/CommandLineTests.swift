import Gateway
import Sockets
import Testing

@testable import yodel

struct CommandLineTests {
  private func serve(_ arguments: [String], environment: [String: String] = [:]) throws -> Serve {
    let completed = try EnvironmentOptions(environment).completing(arguments)
    return try #require(try Yodel.parseAsRoot(completed) as? Serve)
  }

  @Test func withoutASubcommandItServes() throws {
    #expect(try serve([]).timeoutMs == 2000)
    #expect(try serve(["--timeout-ms", "5"]).timeoutMs == 5)
    #expect(try serve(["serve", "--timeout-ms=7"]).timeoutMs == 7)
  }

  @Test func theEnvironmentStandsForOptions() throws {
    let environment = [
      "YODEL_HTTP": "127.0.0.1:1,[::1]:2", "YODEL_TARGET": "a=127.0.0.1:9,b=example.org:7", "YODEL_NO_ECHO": "true",
      "YODEL_MAX_IN_FLIGHT": "12", "YODEL_ALLOW_ANONYMOUS": "0",
    ]
    let serve = try serve([], environment: environment)
    #expect(serve.http == [SocketAddress("127.0.0.1:1")!, SocketAddress("[::1]:2")!])
    #expect(serve.target.map(\.name) == ["a", "b"] && serve.noEcho && !serve.allowAnonymous && serve.maxInFlight == 12)
  }

  @Test func whoMayIsSaidByOptionsAndVariables() throws {
    let environment = [
      "YODEL_ALLOW_TARGET": "10.0.0.0/8:5000-5999,[fd00::/8]:53", "YODEL_ALLOW_HOST": "A.example,b.example",
      "YODEL_TOKEN_FILE": "/run/secrets/token",
    ]
    let serve = try serve([], environment: environment)
    #expect(serve.allowTarget == [TargetRange("10.0.0.0/8:5000-5999")!, TargetRange("[fd00::/8]:53")!])
    #expect(serve.allowHost == [HostName("a.example")!, HostName("b.example")!])
    #expect(serve.tokenFile == "/run/secrets/token")
    let given = try self.serve(["--allow-host", "c.example", "--allow-target", "::1/128"], environment: environment)
    #expect(given.allowHost.map(\.text) == ["c.example"] && given.allowTarget == [TargetRange("::1/128")!])
  }

  @Test func theOptionWins() throws {
    let environment = ["YODEL_HTTP": "127.0.0.1:1", "YODEL_LOOPS": "3"]
    let serve = try serve(["--http=127.0.0.1:2", "--loops", "1"], environment: environment)
    #expect(serve.http == [SocketAddress("127.0.0.1:2")!] && serve.loops == 1)
  }

  @Test func loopsHaveOneBoundWhicheverCommandTurnsThem() throws {
    for command in ["serve", "echo"] {
      for count in [1, 1024] { _ = try Yodel.parseAsRoot([command, "--loops", "\(count)"]) }
      for count in [0, 1025] {
        #expect { try Yodel.parseAsRoot([command, "--loops", "\(count)"]) } throws: {
          Yodel.message(for: $0) == "--loops must be from 1 to 1024, not \(count)"
        }
      }
    }
  }

  @Test func otherCommandsDoNotReadIt() throws {
    let environment = EnvironmentOptions(["YODEL_LOOPS": "nonsense"])
    #expect(try environment.completing(["send", "x"]) == ["send", "x"])
  }

  @Test func aBadVariableIsNamed() {
    #expect { try serve([], environment: ["YODEL_TIMEOUT_MS": "soon"]) } throws: {
      "\($0)".contains("YODEL_TIMEOUT_MS")
    }
    #expect { try serve([], environment: ["YODEL_NO_ECHO": "perhaps"]) } throws: { "\($0)".contains("YODEL_NO_ECHO") }
  }

  @Test(arguments: [
    ("los", "loss"), ("lsos", "loss"), ("tiemout-ms", "timeout-ms"), ("timeout", "timeout-ms"), ("bogus", nil),
    ("port", nil), ("max", nil), ("t", nil), ("", nil),
  ])
  func aSlipIsToldFromAnotherWord(word: String, meant: String?) {
    let known = ["loss", "udp", "http", "timeout-ms", "max-feeds", "max-series", "token-file"]
    #expect(Spelling.nearest(to: word, among: known) == meant)
  }

  @Test func anOptionIsKnownByAllOfItsNames() {
    #expect(UnknownWord.options(of: Ping.self) == ["-c", "-i", "-W", "-s", "--json", "-h", "--help", "--version"])
    for arguments in [["ping", "--help"], ["--loss=5"], ["send", "--", "--such"], ["ping", "-"], []] {
      #expect(UnknownWord(in: arguments)?.description == nil, "\(arguments)")
    }
  }

  /// Every option of `serve` has its variable, and none is listed that does not exist.
  @Test func everyOptionHasAVariable() {
    let help = Serve.helpMessage(columns: 500)
    let shown = help.split(separator: "\n").compactMap { line -> String? in
      let word = line.split(separator: " ").first { $0.hasPrefix("--") }
      return line.hasPrefix("  --") ? word.map { String($0.dropFirst(2)) } : nil
    }
    let listed = EnvironmentOptions.single + EnvironmentOptions.repeatable + EnvironmentOptions.flags
    #expect(Set(shown).subtracting(["version", "help"]) == Set(listed))
  }

  @Test(arguments: [
    ["--http", "nowhere"], ["--http", "127.0.0.1:70000"], ["--udp", "::1:9999"], ["--target", "lab"],
    ["--target", "la b=127.0.0.1:9"], ["--target", "lab=127.0.0.1:0"], ["--timeout-ms", "0"],
    ["--timeout-ms", "10001"],
    ["--allow-target", "10.0.0.1"], ["--allow-target", "::1:53"], ["--allow-host", "a.example:80"],
    ["--allow-host", "*"],
    ["--loops", "0"], ["--max-in-flight", "0"], ["--drain-delay", "-1"], ["--nonsense"], ["extra"],
  ])
  func badUsageIsRefused(arguments: [String]) {
    #expect(throws: (any Error).self) { try serve(arguments.first == "extra" ? ["serve", "extra"] : arguments) }
  }

  @Test func aFirstWordThatIsNoAddressIsTheMessage() throws {
    #expect(throws: (any Error).self) { try Yodel.parseAsRoot(["send", "two", "words"]) }
    let send = try #require(try Yodel.parseAsRoot(["send", "hello", "-W", "0.5"]) as? Send)
    #expect(send.first == "hello" && send.second == nil && send.wait == 0.5)
  }
}
