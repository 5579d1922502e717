import Foundation
import Gateway
import Logging
import TestSupport
import Testing

/// The gateway as another Swift program has it, by what is public alone.
struct EmbeddingTests {
  private let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  private func read(_ client: PlainSocket) throws -> String {
    String(decoding: try client.receive().bytes, as: UTF8.self)
  }

  @Test func theEmbeddedEchoIsImpairedAndNoMore() async throws {
    let gateway = try await Gateway.start(.onFreePorts, logger: silent)
    let echo = gateway.udpAddresses[0]
    let client = try PlainSocket(at: "127.0.0.1:0")
    client.send(Array("before".utf8), to: echo)
    #expect(try read(client) == "before")
    let inForce = try await gateway.impair {
      $0.duplicatePercent = 100
      $0.seed = 7
    }
    #expect(inForce.duplicatePercent == 100 && inForce.seed == 7 && inForce.lossPercent == 0)
    client.send(Array("twice".utf8), to: echo)
    #expect(try read(client) == "twice")
    #expect(try read(client) == "twice")
    #expect(try await gateway.impair { _ in }.isActive == false)
    client.send(Array("after".utf8), to: echo)
    #expect(try read(client) == "after")
    await gateway.stop()
  }

  @Test func whatCannotBeDoneIsRefusedAndChangesNothing() async throws {
    var configuration = GatewayConfiguration.onFreePorts
    configuration.impairments.delayMilliseconds = 1
    let gateway = try await Gateway.start(configuration, logger: silent)
    await #expect { try await gateway.impair { $0.lossPercent = 101 } } throws: { "\($0)".contains("0 to 100") }
    let client = try PlainSocket(at: "127.0.0.1:0")
    client.send([1], to: gateway.udpAddresses[0])
    #expect(try client.receive().bytes == [1])
    await gateway.stop()
    configuration.impairments.lossPercent = -1
    await #expect { try await Gateway.start(configuration, logger: silent) } throws: {
      "\($0)".contains("'loss_percent' must be from 0 to 100")
    }
  }

  /// The README's program, which is built with the tests and stands beside them.
  @Test func theExampleOfTheReadmeRuns() throws {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let example = URL(filePath: tests).deletingLastPathComponent().appending(path: "Embedding").path()
    // With the address sanitizer: what Foundation's URLSession, or its Process here, has left at the end is not ours.
    let output = popen("ASAN_OPTIONS=detect_leaks=0 '\(example)' 2>/dev/null", "r")!
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = fread(&bytes, 1, bytes.count, output)
    let printed = String(decoding: bytes[..<count], as: UTF8.self)
    #expect(pclose(output) == 0)
    #expect(printed.contains("urn:yodel:problem:no-reply") && printed.contains("within 200 ms"))
  }
}
