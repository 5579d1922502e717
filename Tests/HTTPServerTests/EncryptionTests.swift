import Basics
import Foundation
import Sockets
import TLS
import TestSupport
import Testing

@testable import HTTPServer

/// A client that speaks HTTP within TLS and trusts one certificate.
private struct SecureClient: ~Copyable {
  private let connection: TLSConnection

  init(to server: TestServer, expecting certificate: MadeCertificate) throws {
    let details = try TLSCertificate.Details(ofFile: certificate.certificateFile)
    let plain = try TCPConnection(to: server.address, timeout: .seconds(20))
    connection = try TLSConnection(over: plain, to: "127.0.0.1", expecting: details.encoded)
  }

  /// Sends a request and reads its answer to the last byte that is awaited.
  borrowing func exchange(_ request: String, until end: String) throws -> String {
    try connection.send(Array(request.utf8))
    return try receive(until: end)
  }

  borrowing func receive(until end: String) throws -> String {
    var answer = ""
    while !answer.hasSuffix(end) {
      let piece = try connection.receive(upTo: 1 << 14)
      if piece.isEmpty { break }
      answer += String(decoding: piece, as: UTF8.self)
    }
    return answer
  }
}

extension RealServer {
  @Suite struct EncryptionTests {
    /// Runs a test against a server that shows a certificate.
    private func serving(
      _ made: MadeCertificate, deadlines: HTTPDeadlines = HTTPDeadlines(), loops: Int = 2,
      _ handler: @escaping TestApplication.Handler = { .text(String(decoding: $0.body, as: UTF8.self)) },
      _ body: @escaping @Sendable (TestServer) async throws -> Void
    ) async throws {
      let certificate = try TLSCertificate(certificateFile: made.certificateFile, keyFile: made.keyFile)
      let application = TestApplication(admit: { _ in nil }, respond: handler)
      let server = try await TestServer(
        application, loops: loops, maxConnections: 1000, deadlines: deadlines, certificate: certificate)
      defer { server.endLoops() }
      try await onOwnThreads { try await body(server) }
      await server.server.drain()
      await server.server.stop()
    }

    private static func post(_ body: String) -> String {
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test func requestsOfManyConnectionsEachGetTheirOwnAnswer() async throws {
      let made = try MadeCertificate(serial: 1)
      try await serving(made) { server in
        try await withThrowingTaskGroup(of: Void.self) { group in
          for client in 0..<24 {
            group.addTask {
              let connection = try SecureClient(to: server, expecting: made)
              for number in 0..<20 {
                let text = "<\(client).\(number)>" + String(repeating: "x", count: number * 997) + "!"
                #expect(try connection.exchange(Self.post(text), until: "!").hasSuffix("\r\n\r\n" + text))
              }
            }
          }
          try await group.waitForAll()
        }
      }
    }

    @Test func anAnswerThatTakesItsTimeAndOneThatIsStreamedArrive() async throws {
      let made = try MadeCertificate(serial: 1)
      let gate = Gate()
      try await serving(made) { request in
        if request.head.path == "/stream" { return .stream(["one", "two", "end"], each: gate) }
        await gate.wait("late")
        return .text("late")
      } _: { server in
        let slow = try SecureClient(to: server, expecting: made)
        let streamed = try SecureClient(to: server, expecting: made)
        async let late = slow.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n", until: "late")
        // Past the time in which libmicrohttpd is kept waiting, its connection is suspended.
        try await Task.sleep(for: .milliseconds(20))
        gate.open("late")
        #expect(try await late.contains("200 OK"))
        gate.open("one")
        #expect(
          try streamed.exchange("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n", until: "one\r\n").contains("chunked"))
        gate.open("two")
        #expect(try streamed.receive(until: "two\r\n").hasSuffix("two\r\n"))
        gate.open("end")
        #expect(try streamed.receive(until: "0\r\n\r\n").hasSuffix("end\r\n0\r\n\r\n"))
      }
    }

    @Test func whatIsRefusedPastLibmicrohttpdIsSealedToo() async throws {
      let made = try MadeCertificate(serial: 1)
      try await serving(made) { server in
        let fields = (0..<50).map { "X-\($0): " + String(repeating: "y", count: 75) + "\r\n" }.joined()
        let answer = try SecureClient(to: server, expecting: made)
          .exchange("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n", until: "?")
        #expect(answer.hasPrefix("HTTP/1.1 431 "))
      }
    }

    @Test func blankLinesBeforeLaterRequestsAreTakenAsElsewhere() async throws {
      let made = try MadeCertificate(serial: 1)
      try await serving(made, loops: 1) { server in
        let connection = try SecureClient(to: server, expecting: made)
        #expect(try connection.exchange("\r\n" + Self.post("1!"), until: "!").contains("200 OK"))
        #expect(try connection.exchange(Self.post("2!"), until: "!").contains("200 OK"))
        #expect(try connection.exchange("\r\n" + Self.post("3!"), until: "!").contains("200 OK"))
        let answer = try connection.exchange("\r\n\r\n\r\n" + Self.post("4!"), until: "!")
        // From 1.0 on the library counts them by itself.
        if HeadLayout.isNeeded { #expect(answer.contains("400")) }
      }
    }

    @Test func plainHTTPIsAnsweredPlainly() async throws {
      try await serving(MadeCertificate(serial: 1)) { server in
        let client = try server.connect()
        let answer = try client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(answer.status == 400 && answer.text.contains("https://"))
        #expect(try client.isEnded())
      }
    }

    @Test func aHandshakeThatStallsEndsAtTheDeadlineOfTheHead() async throws {
      var deadlines = HTTPDeadlines()
      deadlines.head = .milliseconds(300)
      try await serving(MadeCertificate(serial: 1), deadlines: deadlines) { server in
        for start: [UInt8] in [[0x16], [0x16, 3, 1, 2, 0, 1]] {
          let client = try server.connect()
          client.send(start)
          #expect(try client.isEnded())
        }
        #expect(await eventually { server.server.connections == 0 })
      }
    }

    @Test func newConnectionsAreShownTheNewCertificateAndOldOnesGoOn() async throws {
      let made = try (1...3).map { try MadeCertificate(serial: $0) }
      try await serving(made[0]) { server in
        let first = try SecureClient(to: server, expecting: made[0])
        for next in made[1...] {
          server.server.show(
            try TLSCertificate(certificateFile: next.certificateFile, keyFile: next.keyFile))
          let client = try SecureClient(to: server, expecting: next)
          #expect(try client.exchange(Self.post("new!"), until: "!").contains("200 OK"))
          #expect(throws: TLSConnection.Failure.self) { _ = try SecureClient(to: server, expecting: made[0]) }
          #expect(try first.exchange(Self.post("old!"), until: "!").contains("200 OK"))
        }
        #expect(server.server.shown?.details.serial == "03")
      }
    }
  }
}
