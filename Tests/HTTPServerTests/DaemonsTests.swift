import Basics
@testable import HTTPServer
import TestSupport
import Testing

extension RealServer {
  /// More connections on one loop than a daemon of libmicrohttpd gets, so that several serve them.
  @Suite struct DaemonsTests {
    private static let count = 2 * Limits.connectionsPerDaemon + 10

    @Test func connectionsOfSeveralDaemonsEachGetTheirOwnAnswers() async throws {
      let gate = Gate()
      try await serving(
        { request in
          if request.head.path != "/" { await gate.wait(request.head.path) }
          return .text(request.head.path)
        },
        loops: 1
      ) { server in
        let clients = try (0..<Self.count).map { _ in try server.connect() }
        for (number, client) in clients.enumerated() { client.send("GET /\(number) HTTP/1.1\r\nHost: a\r\n\r\n") }
        #expect(await eventually { gate.waiting.count == Self.count })
        // Those that wait hold up nobody, whichever daemon has the connection.
        for number in stride(from: 0, to: Self.count, by: 7) { gate.open("/\(number)") }
        for number in stride(from: 0, to: Self.count, by: 7) {
          #expect(try clients[number].answer().text == "/\(number)")
          #expect(try clients[number].exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").text == "/")
        }
        for number in (0..<Self.count).reversed() where number % 7 != 0 { gate.open("/\(number)") }
        for (number, client) in clients.enumerated() where number % 7 != 0 {
          #expect(try client.answer().text == "/\(number)")
        }
      }
    }

    @Test func allAreServedTimeAndAgain() async throws {
      try await serving({ request in .text(request.head.path) }, loops: 1) { server in
        let clients = try (0..<Self.count).map { _ in try server.connect() }
        for round in 0..<5 {
          for (number, client) in clients.enumerated() {
            client.send("GET /\(round)/\(number) HTTP/1.1\r\nHost: a\r\n\r\n")
          }
          for (number, client) in clients.enumerated() { #expect(try client.answer().text == "/\(round)/\(number)") }
        }
      }
    }

    /// libmicrohttpd takes three runs for an answer that it waited for. Left to later turns, each daemon's answers were
    /// half sent while all others' were begun, and as many responses in use.
    @Test func aDaemonEndsItsAnswersBeforeAnotherBeginsWithIts() async throws {
      let gate = Gate()
      let common = HTTPFields.Common(["Content-Type": "text/plain"])
      try await serving(
        { request in
          await gate.wait(request.head.path)
          return HTTPResponse(status: 200, fields: HTTPFields(beginningWith: common), body: .bytes([0x21]))
        },
        loops: 1
      ) { server in
        let clients = try (0..<Self.count).map { _ in try server.connect() }
        for (number, client) in clients.enumerated() { client.send("GET /\(number) HTTP/1.1\r\nHost: a\r\n\r\n") }
        #expect(await eventually { gate.waiting.count == Self.count })
        await server.loops[0].execute { for number in 0..<Self.count { gate.open("/\(number)") } }
        for client in clients { #expect(try client.answer().text == "!") }
        let worker = server.server.workers[0]
        let made = { await server.loops[0].execute { worker.keptResponses.count } }
        #expect(await made() > 0)
        #expect(await made() <= Limits.connectionsPerDaemon, "all that were made are kept")
      }
    }
  }
}
