import Basics
import EventLoop
import HTTPServer
import TestSupport
import Testing

extension RealServer {
  /// Handlers that wait, and what happens meanwhile.
  @Suite struct WaitingTests {
    @Test func aHandlerMayBeLetOnFromAnotherThread() async throws {
      let gate = Gate()
      try await serving { request in
        await gate.wait(request.head.path)
        return .text("after " + request.head.path)
      } _: { server in
        let client = try server.connect()
        for number in 0..<50 {
          client.send("GET /\(number) HTTP/1.1\r\nHost: a\r\n\r\n")
          #expect(await eventually { gate.waiting == ["/\(number)"] })
          gate.open("/\(number)")
          #expect(try client.answer().text == "after /\(number)")
        }
      }
    }

    @Test func aHandlerIsOnOneLoopBeforeAndAfterItWaits() async throws {
      let gate = Gate()
      let loops = Locked<[EventLoop]>([])
      try await serving { request in
        let before = loops.withLock { $0.firstIndex { $0.isCurrent } }
        await gate.wait(request.head.path)
        let after = loops.withLock { $0.firstIndex { $0.isCurrent } }
        return .text(before != nil && before == after ? "same" : "\(String(describing: (before, after)))")
      } _: { server in
        loops.withLock { $0 = server.loops }
        let clients = try (0..<20).map { _ in try server.connect() }
        for (number, client) in clients.enumerated() { client.send("GET /\(number) HTTP/1.1\r\nHost: a\r\n\r\n") }
        #expect(await eventually { gate.waiting.count == 20 })
        for number in (0..<20).reversed() { gate.open("/\(number)") }
        for client in clients { #expect(try client.answer().text == "same") }
      }
    }

    @Test func aWaitingHandlerKeepsNobodyElseWaiting() async throws {
      let gate = Gate()
      let handler: TestApplication.Handler = { request in
        if request.head.path == "/slow" { await gate.wait("/slow") }
        return .text(request.head.path)
      }
      try await serving(handler, loops: 1) { server in
        let slow = try server.connect()
        slow.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(await eventually { gate.waiting == ["/slow"] })
        let quick = try server.connect()
        for _ in 0..<50 { #expect(try quick.exchange("GET /quick HTTP/1.1\r\nHost: a\r\n\r\n").text == "/quick") }
        gate.open("/slow")
        #expect(try slow.answer().text == "/slow")
      }
    }

    @Test func pipelinedRequestsAreAnsweredInTheirOrder() async throws {
      try await serving { request in
        // The earlier a request, the longer its handler takes.
        let number = Int(request.head.path.dropFirst()) ?? 0
        try? await Task.sleep(nanoseconds: UInt64(10 - number) * 2_000_000)
        return .text("\(request.head.method.rawValue)\(number) " + String(decoding: request.body, as: UTF8.self))
      } _: { server in
        let client = try server.connect()
        var requests = ""
        for number in 0..<10 {
          let get = "GET /\(number) HTTP/1.1\r\nHost: a\r\n\r\n"
          requests += number % 3 == 2 ? get : .post("/\(number)", "body \(number)")
        }
        client.send(requests)
        for number in 0..<10 {
          let expected = number % 3 == 2 ? "GET\(number) " : "POST\(number) body \(number)"
          #expect(try client.answer().text == expected)
        }
      }
    }

    @Test func whatIsPipelinedBehindAWaitingRequestIsAnsweredAfterIt() async throws {
      let gate = Gate()
      try await serving { request in
        await gate.wait(request.head.path)
        return .text(request.head.path)
      } _: { server in
        gate.open("/second")
        let client = try server.connect()
        client.send("GET /first HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(await eventually { gate.waiting == ["/first"] })
        client.send("GET /second HTTP/1.1\r\nHost: a\r\n\r\n")
        gate.open("/first")
        #expect(try client.answer().text == "/first")
        #expect(try client.answer().text == "/second")
      }
    }

    // MARK: Clients that go

    /// A handler that waits until it is cancelled, and what became of it.
    final class Cancellation: Sendable {
      private let state = Locked((begun: 0, cancelled: 0))

      var begun: Int { state.withLock { $0.begun } }
      var cancelled: Int { state.withLock { $0.cancelled } }

      func wait() async {
        state.withLock { $0.begun += 1 }
        do {
          try await Task.sleep(nanoseconds: 60_000_000_000)
        } catch {
          state.withLock { $0.cancelled += 1 }
        }
      }
    }

    @Test func aResetCancelsTheHandlerThatWaits() async throws {
      let cancellation = Cancellation()
      try await serving { request in
        if request.head.path == "/wait" { await cancellation.wait() }
        return .text("done")
      } _: { server in
        let clients = try (0..<20).map { _ in try server.connect() }
        for client in clients { client.send(.post("/wait", "body")) }
        #expect(await eventually { cancellation.begun == 20 })
        for client in clients.dropFirst() { client.reset() }
        #expect(await eventually { cancellation.cancelled == 19 })
        #expect(await eventually { server.server.connections == 1 })
        #expect(cancellation.cancelled == 19, "the one that stayed still waits")
        clients[0].reset()
        #expect(await eventually { server.server.connections == 0 })
        #expect(try server.connect().exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").text == "done")
      }
    }

    @Test func aHalfCloseStillGetsItsAnswer() async throws {
      let gate = Gate()
      try await serving { request in
        await gate.wait("answer")
        return .text("got " + String(decoding: request.body, as: UTF8.self) + (Task.isCancelled ? " cancelled" : ""))
      } _: { server in
        let client = try server.connect()
        client.send(.post("/", "half"))
        client.endSending()
        #expect(await eventually { gate.waiting == ["answer"] })
        // Time for the end of the sending to do its harm, if it did any.
        try await Task.sleep(nanoseconds: 20_000_000)
        gate.open("answer")
        #expect(try client.answer().text == "got half")
        #expect(await eventually { server.server.connections == 0 })
      }
    }

    /// By reset; whose end comes with its last bytes may stay until a deadline, which is for slower tests than these.
    @Test func aClientThatIsResetInTheMiddleOfItsRequestLeavesNothing() async throws {
      try await serving { _ in
        .text("never")
      } _: { server in
        let pieces = ["", "P", "POST / HTTP/1.1\r\nHost: a\r\n", .post("/", "body").dropLast(2).description]
        for piece in pieces {
          let client = try server.connect()
          client.send(piece)
          // The server has seen it come before it goes.
          #expect(await eventually { server.server.connections == 1 })
          client.reset()
          #expect(await eventually(within: 8) { server.server.connections == 0 }, "after '\(piece)'")
        }
        #expect(try server.connect().exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").text == "never")
      }
    }
  }
}
