import Basics
import HTTPServer
import TestSupport
import Testing

extension RealServer {
  @Suite struct ConnectionLimitTests {
    static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test func pastTheLimitARequestGetsItsRefusalAndTheConnectionEnds() async throws {
      try await serving({ _ in .text("served") }, maxConnections: 3) { server in
        let kept = try (0..<3).map { _ in try server.connect() }
        for client in kept { #expect(try client.exchange(Self.get).text == "served") }
        for _ in 0..<10 {
          let client = try server.connect()
          // In two pieces: the first must not end the connection before the second has come.
          client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n")
          try await Task.sleep(nanoseconds: 2_000_000)
          client.send("\r\nhello")
          let answer = try client.answer()
          #expect(answer.status == 503)
          #expect(answer.text == "\(HTTPRefusal.tooManyConnections(limit: 3))")
          #expect(try client.isEnded())
        }
        for client in kept { #expect(try client.exchange(Self.get).text == "served", "those inside are served on") }
        kept[0].close()
        #expect(try await eventually { try server.connect().exchange(Self.get).text == "served" })
        #expect(server.server.connectionsClosed == 0)
      }
    }

    @Test func farPastTheLimitConnectionsAreClosedAndCounted() async throws {
      try await serving({ _ in .text("served") }, maxConnections: 1) { server in
        let kept = try server.connect()
        #expect(try kept.exchange(Self.get).text == "served")
        let waiting = try (0..<256).map { _ in try server.connect() }
        #expect(await eventually { server.server.connections == 257 })
        for number in 1...10 {
          let client = try server.connect()
          #expect(try client.isEnded())
          #expect(server.server.connectionsClosed == number)
        }
        #expect(server.server.connections == 257)
        for client in waiting { #expect(try client.exchange(Self.get).status == 503) }
        #expect(try kept.exchange(Self.get).text == "served")
        #expect(await eventually { server.server.connections == 1 })
      }
    }
  }
}
