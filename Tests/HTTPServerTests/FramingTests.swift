import HTTPServer
import TestSupport
import Testing

extension RealServer {
  /// Requests that two parsers could read differently. Each is followed by one to `/smuggled`, which must not run.
  @Suite struct FramingTests {
    struct Case: CustomTestStringConvertible {
      var head: String
      var status = 400
      var testDescription: String { head.debugDescription }
    }

    static let cases = [
      Case(head: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nhello"),
      Case(head: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
      Case(head: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\nhello"),
      Case(head: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
      Case(head: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
      Case(head: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", status: 501),
      Case(head: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", status: 501),
      Case(head: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", status: 501),
      Case(head: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello"),
      Case(head: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"),
      Case(head: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n"),
      Case(head: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello"),
      Case(head: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nhello"),
      Case(head: "GET / HTTP/1.1\r\n\r\n"),
      Case(head: "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
      Case(head: "GET / HTTP/1.2\r\nHost: a\r\n\r\n"),
      Case(head: "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
      Case(head: "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n"),
      Case(head: "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n"),
      Case(head: "GET /a%2Fb HTTP/1.1\r\nHost: a\r\n\r\n"),
      Case(head: "GET /%C0%AF HTTP/1.1\r\nHost: a\r\n\r\n"),
      Case(head: "GET / HTTP/1.1\r\nHost: a\r\nX: a\u{1}b\r\n\r\n"),
      Case(head: "G@T / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ]

    @Test(arguments: cases) func anAmbiguousRequestIsRefusedAndItsConnectionEnds(_ bad: Case) async throws {
      try await serving { _ in
        .text("served")
      } _: { server in
        let client = try server.connect()
        client.send(bad.head + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
        let answer = try client.answer()
        #expect(answer.status == bad.status)
        // What libmicrohttpd refuses by itself it may say twice (0.9.75); what follows is never an answer of ours.
        let rest = String(decoding: try client.everything(), as: UTF8.self)
        #expect(rest.contains("200") == false, "the connection ends with the refusal")
        #expect(server.application.paths == [], "nothing of it reached the application")
        #expect(await eventually { server.server.connections == 0 })
      }
    }

    /// What libmicrohttpd refuses or ends by itself: an error or an end, but never an answer of the application.
    static let hopeless = [
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET /\r\n\r\n",
      "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{FC}\u{3}\u{3}\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloworld\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\nhello\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\nhello",
      "GET /\(String(repeating: "a", count: 70_000)) HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 70_000))\r\n\r\n",
    ]

    @Test(arguments: hopeless.indices) func whatIsNoHTTPGetsAnErrorOrAnEnd(index: Int) async throws {
      try await serving { _ in
        .text("served")
      } _: { server in
        let client = try server.connect()
        client.send(Self.hopeless[index])
        client.endSending()
        do throws(ClientError) {
          let answer = try client.answer()
          #expect(answer.status >= 400, "\(Self.hopeless[index].prefix(80))")
          #expect(answer.text != "served")
        } catch {
          #expect(error == .ended || error == .reset || error == .malformed("status line []"))
        }
        #expect(await eventually { server.server.connections == 0 })
        #expect(try server.connect().exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").text == "served")
      }
    }

    @Test func aHeadThatFillsItsMemoryIsRefusedInWords() async throws {
      try await serving { _ in
        .text("served")
      } _: { server in
        for count in stride(from: 6900, through: 7300, by: 20) {
          let client = try server.connect()
          let filler = String(repeating: "a", count: count)
          let answer = try client.exchange("GET / HTTP/1.1\r\nHost: a\r\nX-Filler: \(filler)\r\n\r\n")
          #expect([200, 431].contains(answer.status), "\(count) bytes")
        }
      }
    }

    /// libmicrohttpd would refuse these by itself, before 1.0 with two heads.
    @Test(arguments: ["+5", "five", "", "18446744073709551616", "5 5"])
    func aWrongLengthIsRefusedOnceAndInOurWords(length: String) async throws {
      try await serving { _ in
        .text("served")
      } _: { server in
        let client = try server.connect()
        _ = try client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let answer = try client.exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(length)\r\n\r\nhello")
        #expect(answer.text == "\(HTTPRefusal.malformed("the Content-Length '\(length)' is no length"))")
        #expect(answer.status == 400)
        #expect(answer["Connection"] == "close")
        #expect(answer["Date"]?.hasSuffix(" GMT") == true)
        #expect(try client.isEnded())
        #expect(server.application.paths == ["/"])
        #expect(await eventually { server.server.connections == 0 })
      }
    }

    /// Before 1.0 libmicrohttpd looks for a body after a 100, and finds the next request.
    @Test func aRequestThatExpectsWithoutABodyIsAnsweredAndSoIsTheNext() async throws {
      try await serving { request in
        .text(request.head.path)
      } _: { server in
        let client = try server.connect()
        client.send("POST /1 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
        var first = try client.answer()
        if first.status == 100 { first = try client.answer() }
        #expect(first.text == "/1")
        #expect(try client.answer().text == "/2")
      }
    }

    @Test func whatFollowsChunksIsHeldToTheSameRules() async throws {
      try await serving { _ in
        .text("served")
      } _: { server in
        for trailer in ["X : y", "X(: y", "X: \u{1}"] {
          let client = try server.connect()
          let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
          let answer = try client.exchange(head + "0\r\n\(trailer)\r\n\r\n")
          #expect(answer.status == 400, "\(trailer)")
          #expect(try client.isEnded())
        }
      }
    }

    @Test func manyHeadersAreRefusedInWords() async throws {
      try await serving { _ in
        .text("served")
      } _: { server in
        for count in stride(from: 20, through: 100, by: 5) {
          let client = try server.connect()
          let fields = (0..<count).map { "X-\($0): value\r\n" }.joined()
          let answer = try client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n")
          #expect([200, 431].contains(answer.status), "\(count) headers")
        }
      }
    }

    /// What libmicrohttpd makes of a head takes memory too, and so does the head of the answer.
    static let fullHeads: [@Sendable (Int) -> String] = [
      { "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 60 * $0))\r\n\r\n" },
      { "GET /\(String(repeating: "x", count: 60 * $0)) HTTP/1.1\r\nHost: a\r\n\r\n" },
      { "GET / HTTP/1.1\r\nHost: a\r\n\(String(repeating: "X: y\r\n", count: $0))\r\n" },
      { "GET /?\(String(repeating: "a&", count: $0)) HTTP/1.1\r\nHost: a\r\n\r\n" },
      {
        "GET /?\(String(repeating: "x", count: 4500))&\(String(repeating: "a&", count: $0)) HTTP/1.1\r\nHost: a\r\n\r\n"
      },
      {
        "GET /?\(String(repeating: "a&", count: $0)) HTTP/1.1\r\nHost: a\r\n"
          + "X: \(String(repeating: "x", count: 5000))\r\n\r\n"
      },
      { "GET / HTTP/1.1\r\nHost: a\r\nCookie: \(String(repeating: "a=b; ", count: $0))\r\n\r\n" },
      { "GET / HTTP/1.1\r\nHost: a\r\nCookie: \(String(repeating: "x", count: 60 * $0))\r\n\r\n" },
    ]

    @Test(arguments: fullHeads.indices) func noHeadIsTooLargeForAnAnswer(index: Int) async throws {
      try await serving { _ in
        .text("served")
      } _: { server in
        for count in 1...160 {
          let client = try server.connect()
          let answer = try client.exchange(Self.fullHeads[index](count))
          #expect([200, 414, 431].contains(answer.status), "\(count)")
        }
        #expect(await eventually { server.server.connections == 0 })
      }
    }

    @Test func aTrailerBehindARefusedBodyIsReadAsStrictly() async throws {
      let refused: TestApplication.Admission = { _ in .text("refused", status: 421) }
      try await serving({ _ in .text("served") }, admit: refused) { server in
        let client = try server.connect()
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        #expect(try client.exchange(head + "0\r\nA : b\r\n\r\n").status == 400)
        #expect(try client.isEnded())
      }
    }
  }
}
