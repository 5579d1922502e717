import Basics
import EventLoop
import Foundation
import HTTPServer
import Sockets
import Synchronization
import TestSupport
import Testing

extension RealServer {
  /// The end of serving: what was begun is brought to its end, and nothing is left.
  @Suite struct DrainTests {
    static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    static let draining = "\(HTTPRefusal.draining)"

    /// A server whose end the test itself brings about; the body runs where it may block.
    static func starting(
      _ handler: @escaping TestApplication.Handler, loops: Int = 2,
      _ body: @escaping @Sendable (TestServer) async throws -> Void
    ) async throws {
      let application = TestApplication(admit: { _ in nil }, respond: handler)
      let server = try await TestServer(application, loops: loops, maxConnections: 1000)
      defer { server.endLoops() }
      try await onOwnThreads { try await body(server) }
    }

    private struct Weak {
      weak var loop: EventLoop?
    }

    /// A drain that has begun, and whether it is done.
    final class Drain: Sendable {
      private let done = Atomic(false)
      private let task: Locked<Task<Void, Never>?>

      var isDone: Bool { done.load(ordering: .acquiring) }

      init(_ server: TestServer) {
        task = Locked(nil)
        let task = Task {
          await server.server.drain()
          done.store(true, ordering: .releasing)
        }
        self.task.withLock { $0 = task }
      }

      func wait() async {
        let task = task.withLock { $0 }
        await task?.value
      }
    }

    @Test func aBodyThatStopsHalfwayHoldsADrainNoLongerThanAReader() async throws {
      try await Self.starting { _ in
        .text("served")
      } _: { server in
        let client = try server.connect()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\nabc")
        #expect(await eventually { server.application.paths.count == 1 })
        let begin = MonotonicTime.now()
        await server.server.drain()
        // Much less than a body may take otherwise, which is 15 seconds.
        #expect(MonotonicTime.now() - begin < .seconds(12))
        await server.server.stop()
      }
    }

    @Test func aHeadThatStopsHalfwayHoldsNoDrain() async throws {
      try await Self.starting { _ in
        .text("served")
      } _: { server in
        let clients = try (0..<4).map { _ in try server.connect() }
        for client in clients[..<2] { #expect(try client.exchange(Self.get).text == "served") }
        for client in clients { client.send("GET / HTTP/1.1\r\nHost: a\r\n") }
        let begin = MonotonicTime.now()
        await server.server.drain()
        // Much less than a head may take otherwise: 10 seconds for the first, 60 for the next.
        #expect(MonotonicTime.now() - begin < .seconds(8))
        await server.server.stop()
      }
    }

    @Test func anIdleServerIsDrainedWithoutWaiting() async throws {
      let begin = MonotonicTime.now()
      for _ in 0..<10 {
        try await Self.starting { _ in
          .text("served")
        } _: { server in
          let served = try server.connect()
          #expect(try served.exchange(Self.get).text == "served")
          // Silent ones have a second; not when they have gone.
          for start in ["", "\r\n"] { try server.connect().send(start) }
          #expect(await eventually { server.server.connections == 1 })
          await server.server.drain()
          await server.server.stop()
        }
      }
      #expect(MonotonicTime.now() - begin < .seconds(8), "ten of them; a loop that waits for nothing sleeps a second")
    }

    @Test func requestsInFlightAreAnsweredBeforeTheDrainIsDone() async throws {
      let gate = Gate()
      try await Self.starting { request in
        if request.head.path != "/" { await gate.wait(request.head.path) }
        return .text(request.head.path)
      } _: { server in
        let clients = try (0..<50).map { _ in try server.connect() }
        for (number, client) in clients.enumerated() { client.send("GET /\(number) HTTP/1.1\r\nHost: a\r\n\r\n") }
        #expect(await eventually { gate.waiting.count == 50 })
        let drain = Drain(server)
        #expect(await eventually { (try? server.connect()) == nil }, "it listens no more")
        for number in (1..<50).reversed() { gate.open("/\(number)") }
        for (number, client) in clients.enumerated().dropFirst() {
          let answer = try client.answer()
          #expect(answer.text == "/\(number)")
          #expect(answer["Connection"] == "close")
          #expect(try client.isEnded())
        }
        #expect(!drain.isDone, "one request is still in flight")
        gate.open("/0")
        #expect(try clients[0].answer().text == "/0")
        await drain.wait()
        await server.server.stop()
        #expect(server.server.connections == 0)
      }
    }

    @Test func keptAliveConnectionsAreToldAndClosed() async throws {
      let gate = Gate()
      try await Self.starting { request in
        if request.head.path == "/wait" { await gate.wait("/wait") }
        return .text("served")
      } _: { server in
        let busy = try server.connect()
        busy.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        let idle = try (0..<8).map { _ in try server.connect() }
        for client in idle { #expect(try client.exchange(Self.get).text == "served") }
        #expect(await eventually { gate.waiting == ["/wait"] })
        let drain = Drain(server)
        #expect(await eventually { (try? server.connect()) == nil })
        for client in idle {
          let answer = try client.exchange(.post("/", "a body too"))
          #expect(answer.status == 503)
          #expect(answer.text == Self.draining)
          #expect(answer["Connection"] == "close")
          #expect(try client.isEnded())
        }
        gate.open("/wait")
        #expect(try busy.answer().text == "served")
        await drain.wait()
        await server.server.stop()
      }
    }

    @Test func aStreamIsBroughtToItsEnd() async throws {
      let gate = Gate()
      gate.open("first")
      try await Self.starting { _ in
        .stream(["first", "last"], each: gate)
      } _: { server in
        let client = try server.connect()
        client.send(Self.get)
        #expect(try client.head().status == 200)
        #expect(try client.chunk() == Array("first".utf8))
        let drain = Drain(server)
        #expect(await eventually { (try? server.connect()) == nil })
        #expect(!drain.isDone)
        gate.open("last")
        #expect(try client.chunk() == Array("last".utf8))
        #expect(try client.chunk() == nil)
        await drain.wait()
        await server.server.stop()
      }
    }

    @Test func connectionsQueuedInTheKernelAreServedAllTheSame() async throws {
      try await Self.starting { _ in
        .text("served")
      } _: { server in
        // The first loop accepts; while it is busy, connections wait in the kernel's queue.
        let gate = await server.loops[0].stand()
        let clients = try (0..<40).map { _ in try server.connect() }
        for client in clients { client.send(Self.get) }
        #expect(server.server.connections == 0, "they are queued")
        // What the loop finds first when it is let go is the beginning of the drain.
        let drain = Drain(server)
        try await Task.sleep(nanoseconds: 20_000_000)
        gate.signal()
        for client in clients {
          let answer = try client.answer()
          #expect(answer.text == "served")
        }
        await drain.wait()
        await server.server.stop()
        for client in clients { #expect(try client.isEnded()) }
      }
    }

    @Test func nobodyCanConnectOnceTheDrainIsDone() async throws {
      try await Self.starting { _ in
        .text("served")
      } _: { server in
        await server.server.drain()
        #expect(throws: ClientError.refused) { try server.connect() }
        await server.server.stop()
        #expect(throws: ClientError.refused) { try server.connect() }
      }
    }

    @Test func aConnectionThatFirstSpeaksAfterItsGraceIsRefused() async throws {
      let gate = Gate()
      let late = Locked<[String]>([])
      try await Self.starting { request in
        if request.head.path == "/late" { late.withLock { $0.append("admitted") } }
        if request.head.path == "/wait" { await gate.wait("/wait") }
        return .text("served")
      } _: { server in
        // The busy one is on one loop; the silent ones, of which there are more, on both.
        let busy = try server.connect()
        busy.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(await eventually { gate.waiting == ["/wait"] })
        let silent = try (0..<5).map { _ in try server.connect() }
        #expect(await eventually { server.server.connections == 6 })
        let drain = Drain(server)
        #expect(await eventually { (try? server.connect()) == nil })
        try await Task.sleep(nanoseconds: UInt64(Limits.drainGrace.count) + 500_000_000)
        // By now the other loop has said that it is done: were these let in, stop() would find them at work.
        for client in silent {
          let answer = try client.exchange("GET /late HTTP/1.1\r\nHost: a\r\n\r\n")
          #expect(answer.text == Self.draining)
        }
        #expect(late.withLock { $0 } == [])
        gate.open("/wait")
        #expect(try busy.answer().text == "served")
        await drain.wait()
        await server.server.stop()
      }
    }

    @Test func aConnectionThatNeverSpeaksIsNotWaitedFor() async throws {
      try await Self.starting { _ in
        .text("served")
      } _: { server in
        let silent = try server.connect()
        let half = try server.connect()
        half.send("GET / HT")
        #expect(await eventually { server.server.connections == 2 })
        await server.server.drain()
        await server.server.stop()
        for client in [silent, half] { #expect(try client.isEnded()) }
        #expect(server.server.connections == 0)
      }
    }

    @Test func nothingIsLeftOpenAfterTheEnd() async throws {
      let last = Locked(Weak())
      let before = Self.epollDescriptors()
      for _ in 0..<40 {
        try await Self.starting { _ in
          .text("served")
        } _: { server in
          let clients = try (0..<5).map { _ in try server.connect() }
          for client in clients { #expect(try client.exchange(Self.get).text == "served") }
          await server.server.drain()
          await server.server.stop()
          #expect(
            await eventually { Self.descriptors(on: server.address.port) == clients.count },
            "only the clients' own ends")
          last.withLock { $0.loop = server.loops[0] }
        }
      }
      #expect(await eventually(within: 5) { last.withLock { $0.loop == nil } })
      // Forty servers on two loops have had 160 of them; other tests may have a few just now.
      #expect(await eventually(within: 10) { Self.epollDescriptors() < before + 40 })
    }

    /// How many TCP sockets of this process have `port` on either end; a client's own end has it as its peer's.
    static func descriptors(on port: UInt16) -> Int {
      numbers().count { number in
        var type: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(number, SOL_SOCKET, SO_TYPE, &type, &length)
        guard type == Int32(SOCK_STREAM.rawValue) else { return false }
        var storage = sockaddr_in()
        length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return withUnsafeMutablePointer(to: &storage) {
          $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            [getsockname, getpeername].contains { name in
              name(number, address, &length) == 0 && in_port_t(bigEndian: Self.port(address)) == port
            }
          }
        }
      }
    }

    private static func port(_ address: UnsafeMutablePointer<sockaddr>) -> in_port_t {
      address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { $0.pointee.sin_port }
    }

    static func epollDescriptors() -> Int {
      numbers().count { number in
        let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")
        return target?.contains("[eventpoll]") == true
      }
    }

    private static func numbers() -> [Int32] {
      (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd"))?.compactMap { Int32($0) } ?? []
    }
  }
}
