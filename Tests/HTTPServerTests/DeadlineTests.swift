import Basics
import Foundation
import HTTPServer
import TestSupport
import Testing

extension RealServer {
  /// The deadlines as they are meant, shortened; at their real length Tests/Interop/test_slow_clients.py has them.
  @Suite struct DeadlineTests {
    private static let short = Nanoseconds.milliseconds(300)

    /// Far more than the kernel takes for a client that does not read.
    private static let large = HTTPResponse(
      status: 200, body: .bytes([UInt8](repeating: UInt8(ascii: "x"), count: 16 << 20)))

    private static func deadlines(_ change: (inout HTTPDeadlines) -> Void) -> HTTPDeadlines {
      var deadlines = HTTPDeadlines()
      change(&deadlines)
      return deadlines
    }

    @Test func aClientThatNeverReadsItsAnswerIsClosed() async throws {
      try await serving({ _ in Self.large }, deadlines: Self.deadlines { $0.answer = Self.short }) { server in
        let client = try server.connect(receiveBuffer: 4096)
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(await eventually { server.application.paths.count == 1 })
        #expect(await eventually { server.server.connections == 0 })
      }
    }

    @Test func aClientThatReadsAByteNowAndThenIsClosedToo() async throws {
      try await serving({ _ in Self.large }, deadlines: Self.deadlines { $0.answer = Self.short }) { server in
        let client = try server.connect(receiveBuffer: 4096)
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(await eventually { server.application.paths.count == 1 })
        while server.server.connections > 0 {
          guard let piece = try? client.bytes(1), piece.count == 1 else { break }
          try await Task.sleep(nanoseconds: 1_000_000)
        }
        #expect(await eventually { server.server.connections == 0 })
      }
    }

    @Test func aStreamTakesAsLongAsItTakes() async throws {
      let gate = Gate()
      gate.open("first")
      try await serving(
        { _ in .stream(["first", "second"], each: gate) }, deadlines: Self.deadlines { $0.answer = .milliseconds(1) }
      ) { server in
        let client = try server.connect()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(await eventually { gate.waiting == ["second"] })
        // Two sweeps later the deadline would have been seen.
        try await Task.sleep(nanoseconds: UInt64(2 * Limits.deadlineSweep.count))
        gate.open("second")
        #expect(try client.answer().text == "firstsecond")
      }
    }

    @Test func aHeadHasItsDeadline() async throws {
      try await isClosed(after: "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ", Self.deadlines { $0.head = Self.short })
    }

    @Test(arguments: ["", "\r\n", "GET"])
    func aConnectionThatHardlySpeaksHasThatToo(start: String) async throws {
      try await isClosed(after: start, Self.deadlines { $0.head = Self.short })
    }

    /// Their ends come with all that they send: libmicrohttpd would not see them before a deadline does.
    @Test func aClientThatEndsWithItsRequestWaitsForNoDeadline() async throws {
      try await serving({ _ in .text("served") }) { server in
        var times: [Nanoseconds] = []
        for _ in 0..<60 {
          let begin = MonotonicTime.now()
          let client = try server.connect()
          client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
          client.endSending()
          #expect(try client.answer().text == "served")
          #expect(try client.isEnded())
          times.append(.now() - begin)
        }
        #expect(times.sorted()[30] < Limits.deadlineSweep, "each begins when a sweep has ended the one before")
      }
    }

    @Test func aBodyHasItsDeadline() async throws {
      let start = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx"
      try await isClosed(after: start, Self.deadlines { $0.body = Self.short })
    }

    @Test func theNextHeadHasItsDeadline() async throws {
      let start = "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET "
      try await isClosed(after: start, Self.deadlines { $0.nextHead = Self.short })
    }

    private func isClosed(after start: String, _ deadlines: HTTPDeadlines) async throws {
      try await serving({ _ in .text("x") }, deadlines: deadlines) { server in
        let client = try server.connect()
        client.send(start)
        #expect(await eventually { server.server.connections == 1 })
        #expect(await eventually { server.server.connections == 0 })
      }
    }
  }
}
