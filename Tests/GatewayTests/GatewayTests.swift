import Basics
import Foundation
import Sockets
import Testing

@testable import Gateway

/// The whole gateway in this process, asked over real sockets.
struct GatewayTests {
  private func configuration() -> GatewayConfiguration {
    var configuration = GatewayConfiguration()
    configuration.http = [SocketAddress("127.0.0.1:0")!]
    configuration.udp = [SocketAddress("127.0.0.1:0")!]
    configuration.loops = 2
    return configuration
  }

  /// One request on a connection of its own; the whole answer.
  private func ask(_ gateway: Gateway, _ request: String) throws -> String {
    let connection = try TCPConnection(to: gateway.httpAddresses[0], timeout: .seconds(20))
    try connection.send(Array(request.replacing("\n", with: "\r\n").utf8))
    var answer: [UInt8] = []
    while true {
      let piece = try connection.receive(upTo: 4096)
      if piece.isEmpty { return String(decoding: answer, as: UTF8.self) }
      answer += piece
    }
  }

  private func post(_ gateway: Gateway, _ body: String) throws -> String {
    try ask(
      gateway,
      "POST /api/messages HTTP/1.1\nHost: localhost\nConnection: close\nContent-Length: \(body.utf8.count)\n\n\(body)")
  }

  private func get(_ gateway: Gateway, _ path: String) throws -> String {
    try ask(gateway, "GET \(path) HTTP/1.1\nHost: localhost\nConnection: close\n\n")
  }

  private func object(_ answer: String) throws -> [String: Any] {
    let body = try #require(answer.range(of: "\r\n\r\n")).upperBound
    return try #require(try JSONSerialization.jsonObject(with: Data(answer[body...].utf8)) as? [String: Any])
  }

  @Test func aMessageGoesOutAndItsReplyComesBack() async throws {
    let gateway = try await Gateway.start(configuration())
    let reply = try object(try post(gateway, "hello from client!!"))
    #expect(reply["reply"] as? String == "hello from client!!" && reply["match"] as? Bool == true)
    let sender = try #require(reply["sender"] as? [String: Any])
    #expect(sender["port"] as? Int == Int(gateway.udpAddresses[0].port) && sender["address"] as? String == "127.0.0.1")
    await gateway.stop()
  }

  @Test func manyAtOnceGetTheirOwn() async throws {
    let gateway = try await Gateway.start(configuration())
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for number in 0..<200 {
        group.addTask {
          try self.object(try self.post(gateway, "message \(number)"))["reply"] as? String == "message \(number)"
        }
      }
      for try await isRight in group { #expect(isRight) }
    }
    let metrics = try get(gateway, "/metrics")
    #expect(metrics.contains("yodel_exchanges_total{target=\"echo\",outcome=\"reply\"} 200\n"))
    #expect(metrics.contains("yodel_exchanges_in_flight 0\n"))
    await gateway.stop()
  }

  @Test func readinessEndsWithDraining() async throws {
    var configuration = configuration()
    configuration.drainDelay = .seconds(1)
    let gateway = try await Gateway.start(configuration)
    #expect(try get(gateway, "/readyz").hasPrefix("HTTP/1.1 200"))
    async let stopped: Void = gateway.stop()
    var answer = ""
    // The delay leaves room to ask; what is waited for is the answer's change.
    repeat { answer = try get(gateway, "/readyz") } while answer.hasPrefix("HTTP/1.1 200")
    #expect(answer.hasPrefix("HTTP/1.1 503") && answer.contains("draining"))
    #expect(try get(gateway, "/healthz").hasPrefix("HTTP/1.1 200"))
    await stopped
  }

  /// In a process of its own: other tests open and close theirs meanwhile.
  @Test func stoppingLeavesNothingBehind() async {
    await #expect(processExitsWith: .success) {
      func descriptors() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count }
      let tests = GatewayTests()
      var before = 0
      for round in 0..<5 {
        let gateway = try await Gateway.start(tests.configuration())
        _ = try tests.post(gateway, "x")
        await gateway.stop()
        if round == 0 { before = try descriptors() }
      }
      // The last gateway's own memory goes when this function's does; what it had opened is closed by then.
      let after = try descriptors()
      precondition(after <= before, "descriptors were left open")
    }
  }

  @Test func whatCannotStartSaysWhy() async throws {
    let gateway = try await Gateway.start(configuration())
    var busy = configuration()
    busy.udp = gateway.udpAddresses
    await #expect { try await Gateway.start(busy) } throws: {
      "\($0)".contains("\(gateway.udpAddresses[0])") && "\($0)".contains("--no-echo --target lab=")
    }
    var open = configuration()
    open.http = [SocketAddress("0.0.0.0:0")!]
    await #expect { try await Gateway.start(open) } throws: { "\($0)".contains("--allow-anonymous") }
    var targetless = configuration()
    targetless.hasEcho = false
    await #expect { try await Gateway.start(targetless) } throws: { "\($0)".contains("--target") }
    var doubled = configuration()
    doubled.targets = [("echo", HostPort("127.0.0.1:9")!)]
    await #expect { try await Gateway.start(doubled) } throws: { "\($0)".contains("'echo'") }
    await gateway.stop()
  }

  @Test func everyRouteOfTheTableAnswers() async throws {
    let gateway = try await Gateway.start(configuration())
    for route in Route.all where route.method == .get {
      let query = route.path == "/probe" ? "?target=echo" : ""
      #expect(try get(gateway, route.path + query).hasPrefix("HTTP/1.1 200"), "\(route.path)")
      #expect(try get(gateway, route.path + "/" + query).hasPrefix("HTTP/1.1 200"), "\(route.path)/")
    }
    let listed = try #require(try object(try get(gateway, "/api"))["routes"] as? [[String: Any]])
    #expect(listed.compactMap { $0["path"] as? String } == Route.all.map(\.path))
    await gateway.stop()
  }
}
