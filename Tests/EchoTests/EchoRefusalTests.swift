import Basics
import Echo
import EventLoop
import Foundation
import Glibc
import Sockets
import Synchronization
import TestSupport
import Testing

/// What the server must not answer, over real sockets; and its end.
@Suite struct EchoRefusalTests {
  /// A port below 1024 that this process may have; nil where it may have none.
  private static func lowPort(_ host: String) -> PlainSocket? {
    for port in (512..<1024).reversed() {
      if let socket = try? PlainSocket(at: "\(host):\(port)") { return socket }
    }
    return nil
  }

  @Test(.enabled("ports below 1024 are for root") { geteuid() == 0 }, arguments: ["127.0.0.1", "[::1]"])
  func aLowSourcePortIsDroppedAndCounted(host: String) async throws {
    try await withEcho(at: [host + ":0"]) { server in
      let low = try #require(Self.lowPort(host))
      let client = try PlainSocket(at: host + ":0")
      low.send(pattern(30), to: server.addresses[0])
      client.send(pattern(12), to: server.addresses[0])
      #expect(try client.receive().bytes == pattern(12))
      try await waitUntil { await server.counters.received == 2 }
      let counters = await server.counters
      #expect(counters.dropped == [.lowSourcePort: 1])
      #expect(counters.echoed == 1 && counters.bytesReceived == 42 && counters.bytesEchoed == 12)
      #expect(!low.hasSomething)
    }
  }

  /// A socket that shares the server's port on one address writes to another address of the server: to the wildcard it
  /// is the server itself, and an answer would go round without end.
  @Test func whatComesFromTheServersOwnPortIsDroppedAndCounted() async throws {
    try await withEcho(at: ["0.0.0.0:0"]) { server in
      let port = server.addresses[0].port
      let twin = try PlainSocket(at: "127.0.0.1:\(port)", options: [SO_REUSEPORT])
      twin.send([1], to: try #require(SocketAddress("127.0.0.2:\(port)")))
      try await waitUntil { await server.counters.received == 1 }
      #expect(await server.counters.dropped == [.ownAddress: 1])
      #expect(await server.counters.echoed == 0)
      #expect(!twin.hasSomething)
    }
  }

  /// Linux delivers what is sent to 127.255.255.255 to everyone on the loopback.
  @Test func aBroadcastIsNotAnsweredAndWhatCameWithItIs() async throws {
    try await withEcho(at: ["0.0.0.0:0"]) { server in
      let port = server.addresses[0].port
      let client = try PlainSocket(at: "127.0.0.1:0", options: [SO_BROADCAST])
      let one = try #require(SocketAddress("127.0.0.1:\(port)"))
      let many = try #require(SocketAddress("127.255.255.255:\(port)"))
      for index in 0..<5 {
        client.send([UInt8(index)], to: one)
        try #require(client.send([0xFF], to: many) == 1)
      }
      for index in 0..<5 { #expect(try client.receive().bytes == [UInt8(index)]) }
      // A broadcast reaches each loop's socket.
      try await waitUntil { await server.counters.received == 5 + 5 * 2 }
      let counters = await server.counters
      #expect(counters.echoed == 5)
      #expect(counters.dropped == [.badDestination: 10])
      #expect(counters.isBalanced)
      #expect(!client.hasSomething)
    }
  }

  @Test func whatTheKernelDroppedIsCountedOutsideTheSum() async throws {
    try await withLoops(1) { loops in
      let server = try EchoServer(on: loops, addresses: [#require(SocketAddress("127.0.0.1:0"))])
      try await server.start()
      let gate = await loops[0].stand()
      let client = try PlainSocket(at: "127.0.0.1:0")
      let sent = 1500
      let large = pattern(60_000)
      for _ in 0..<sent { client.send(large, to: server.addresses[0]) }
      gate.signal()
      // The loss shows with a datagram that was queued after it.
      try await waitUntil {
        client.send([], to: server.addresses[0])
        return await server.counters.receiveBufferFull > 0
      }
      await loops[0].settle()
      let counters = await server.counters
      let read = counters.bytesReceived / 60_000
      #expect(read < sent && read + counters.receiveBufferFull == sent)
      #expect(counters.isBalanced)
      // The kernel tells the same sum with every datagram that follows; it counts once.
      let received = counters.received
      for _ in 0..<3 { client.send([], to: server.addresses[0]) }
      try await waitUntil { await server.counters.received == received + 3 }
      #expect(await server.counters.receiveBufferFull == counters.receiveBufferFull)
      await server.stop()
    }
  }
}

@Suite struct EchoStopTests {
  @Test func aStoppedServerAnswersNothingAndGivesItsPortUp() async throws {
    try await withLoops(2) { loops in
      let server = try EchoServer(on: loops, addresses: [quietAddress("127.0.0.1")])
      try await server.start()
      let client = try PlainSocket(at: "127.0.0.1:0")
      client.send([1], to: server.addresses[0])
      _ = try client.receive()
      let before = await server.counters
      await server.stop()
      client.send([2], to: server.addresses[0])
      for loop in loops { await loop.settle() }
      #expect(await server.counters == before)
      #expect(!client.hasSomething)
      let next = try EchoServer(on: loops, addresses: server.addresses)
      #expect(next.addresses == server.addresses)
    }
  }

  /// A socket that is open, watched and never read wakes its loop without end.
  @Test func datagramsToAStoppedServerDoNotKeepItsLoopsAwake() async throws {
    try await withLoops(1) { loops in
      let server = try EchoServer(on: loops, addresses: [quietAddress("127.0.0.1")])
      try await server.start()
      await server.stop()
      let client = try PlainSocket(at: "127.0.0.1:0")
      client.send([1], to: server.addresses[0])
      let counter = TurnCounter()
      loops[0].submit { loops[0].addTurnHandler(counter) }
      try await Task.sleep(nanoseconds: 100_000_000)
      #expect(counter.turns < 50)
      withExtendedLifetime(server) {}
    }
  }
}

private final class TurnCounter: TurnHandler {
  private let count = Atomic<Int>(0)

  var turns: Int { count.load(ordering: .relaxed) }

  func turnEnds() -> MonotonicTime? {
    count.add(1, ordering: .relaxed)
    return nil
  }
}
