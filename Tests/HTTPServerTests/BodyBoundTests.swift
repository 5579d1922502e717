import Basics
import Foundation
import HTTPServer
import TestSupport
import Testing

extension RealServer {
  /// How much of a body is taken, and what happens past that.
  @Suite struct BodyBoundTests {
    static let bound = 512 << 10

    static func size(_ request: HTTPRequest) async -> HTTPResponse {
      .text("\(request.body.count) bytes, \(isFiller(request.body) ? "right" : "wrong")")
    }

    /// By memcmp(3): a loop over 64 MiB would take a sanitized build longer than a body may take.
    private static func isFiller(_ bytes: [UInt8]) -> Bool {
      bytes.withUnsafeBytes { bytes in
        bytes.isEmpty
          || bytes[0] == UInt8(ascii: "x")
            && memcmp(bytes.baseAddress!, bytes.baseAddress! + 1, bytes.count - 1) == 0
      }
    }

    static func filler(_ count: Int) -> [UInt8] { [UInt8](repeating: UInt8(ascii: "x"), count: count) }

    static let chunkedHead = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

    static func chunk(_ count: Int) -> [UInt8] {
      Array((String(count, radix: 16) + "\r\n").utf8) + filler(count) + Array("\r\n".utf8)
    }

    @Test func aBodyExactlyAtTheBoundIsTaken() async throws {
      try await serving(Self.size) { server in
        let client = try server.connect()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(Self.bound)\r\n\r\n")
        client.send(Self.filler(Self.bound))
        #expect(try client.answer().text == "524288 bytes, right")
        client.send(.post("/", "xx"))
        #expect(try client.answer().text == "2 bytes, right", "nothing of the last body is left")
        client.send(Self.chunkedHead)
        client.send(Self.chunk(Self.bound) + Array("0\r\n\r\n".utf8))
        #expect(try client.answer().text == "524288 bytes, right")
      }
    }

    @Test(arguments: ["524289", "9223372036854775807", "9223372036854775808", "18446744073709551614"])
    func aDeclaredBodyOverTheBoundIsRefusedAtOnce(length: String) async throws {
      try await serving(Self.size) { server in
        let client = try server.connect()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(length)\r\n\r\n")
        let answer = try client.answer()
        #expect(answer.status == 413)
        #expect(answer.text == "\(HTTPRefusal.bodyTooLarge(limit: Self.bound))")
        #expect(try client.isEnded())
      }
    }

    @Test func aClientThatSendsAllOfItAnywayIsToldToo() async throws {
      try await serving(Self.size) { server in
        let client = try server.connect()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 524289\r\n\r\n")
        client.send(Self.filler(Self.bound + 1))
        #expect(try client.answer().status == 413)
      }
    }

    @Test func aClientThatAsksBeforehandIsToldBeforeItSends() async throws {
      try await serving(Self.size) { server in
        let client = try server.connect()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 524289\r\nExpect: 100-continue\r\n\r\n")
        #expect(try client.answer().status == 413)
        #expect(try client.isEnded())
      }
    }

    @Test func aChunkedBodyOverTheBoundIsRefusedAtItsEnd() async throws {
      try await serving(Self.size) { server in
        for total in [Self.bound + 1, 1 << 20] {
          let client = try server.connect()
          client.send(Self.chunkedHead)
          var left = total
          while left > 0 {
            client.send(Self.chunk(min(left, 32 << 10)))
            left -= min(left, 32 << 10)
          }
          client.send("0\r\n\r\n")
          let answer = try client.answer()
          #expect(answer.status == 413, "\(total) bytes")
          #expect(answer.text == "\(HTTPRefusal.bodyTooLarge(limit: Self.bound))")
          #expect(try client.isEnded())
        }
      }
    }

    @Test func aChunkedBodyPastTheHardCapEndsTheConnection() async throws {
      try await serving(Self.size) { server in
        let client = try server.connect()
        client.send(Self.chunkedHead)
        var sent = 0
        while sent < 16 << 20, client.send(Self.chunk(32 << 10)) { sent += 32 << 10 }
        #expect(sent < 16 << 20, "somebody still listens")
        #expect(await eventually { server.server.connections == 0 })
        #expect(throws: ClientError.self) { try client.answer() }
      }
    }

    @Test func aRefusedRequestsBodyIsReadSoThatTheConnectionGoesOn() async throws {
      try await serving(Self.size, admit: { $0.path == "/no" ? .text("no", status: 404) : nil }) { server in
        let client = try server.connect()
        for _ in 0..<3 {
          client.send("POST /no HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n")
          client.send(Self.filler(300_000))
          #expect(try client.answer().text == "no")
          #expect(try client.exchange(.post("/yes", "xyz")).text == "3 bytes, wrong")
        }
      }
    }

    @Test func aRefusedRequestThatAskedBeforehandNeedNotSendItsBody() async throws {
      try await serving(Self.size, admit: { _ in .text("no", status: 404) }) { server in
        let client = try server.connect()
        client.send("POST /no HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\nExpect: 100-continue\r\n\r\n")
        #expect(try client.answer().status == 404)
        #expect(try client.isEnded())
      }
    }

    @Test func allBodiesTogetherHaveABoundTooAndGiveTheirRoomBack() async throws {
      try await serving(Self.size) { server in
        for _ in 0..<2 {
          // As many bodies as there is room for, each short of its last byte.
          let clients = try (0..<128).map { _ in try server.connect() }
          for client in clients {
            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(Self.bound)\r\n\r\n")
            client.send(Self.filler(Self.bound - 1))
          }
          // Until all of those bytes have their room, whoever came would take what one of the others needs.
          let left = clients.count
          #expect(await eventually { server.server.bufferedBytes == Limits.bufferedBodies - left })
          #expect(try Self.tryOneMore(server).status == 503)
          for client in clients.dropFirst() { client.send("x") }
          for client in clients.dropFirst() { #expect(try client.answer().text == "524288 bytes, right") }
          clients[0].reset()
          #expect(await eventually { server.server.bufferedBytes == 0 })
          #expect(try Self.tryOneMore(server).status == 200)
        }
      }
    }

    private static func tryOneMore(_ server: TestServer) throws -> Answer {
      let client = try server.connect()
      client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
      client.send(filler(1000))
      return try client.answer()
    }
  }
}
