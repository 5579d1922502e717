import Basics
import EventLoop
import Glibc
import Sockets
import TestSupport
import Testing

@testable import Echo

/// Impairments over real sockets and several loops.
@Suite struct ImpairedEchoTests {
  private static func change(_ edits: Impairments.Edit...) -> Impairments.Change {
    Impairments.Change(isWhole: true, edits: edits)
  }

  @Test func whatIsLostIsCountedAndTheRestComesBack() async throws {
    try await withEcho(at: ["127.0.0.1:0", "[::1]:0"]) { server in
      try await server.impair(Self.change(.number(.loss, 100)))
      let clients = try [PlainSocket(at: "127.0.0.1:0"), PlainSocket(at: "[::1]:0")]
      for (client, address) in zip(clients, server.addresses) {
        for size in [0, 1, 1000] { client.send(pattern(size), to: address) }
      }
      try await waitUntil { await server.counters.received == 6 }
      #expect(await server.counters.dropped == [.impaired: 6])
      #expect(await server.counters.impaired == [.loss: 6])
      try await server.impair(.none)
      for (client, address) in zip(clients, server.addresses) {
        client.send([1], to: address)
        #expect(try client.receive().bytes == [1])
        #expect(!client.hasSomething)
      }
      #expect(await server.counters.isBalanced)
    }
  }

  @Test(arguments: ["127.0.0.1:0", "[::1]:0"])
  func everyReplyDiffersInOneBitAndIsAsLong(place: String) async throws {
    try await withEcho(at: [place]) { server in
      try await server.impair(Self.change(.number(.corrupt, 100)))
      let client = try PlainSocket(at: place)
      for size in [1, 2, 1000, 65_000] {
        client.send(pattern(size), to: server.addresses[0])
        let reply = try client.receive()
        #expect(reply.sender == server.addresses[0] && reply.bytes.count == size)
        let flipped = zip(reply.bytes, pattern(size)).reduce(0) { $0 + ($1.0 ^ $1.1).nonzeroBitCount }
        #expect(flipped == 1)
      }
      client.send([], to: server.addresses[0])
      #expect(try client.receive().bytes.isEmpty)
      try await waitUntil { await server.counters.echoed == 5 }
      #expect(await server.counters.impaired == [.corrupt: 4])
    }
  }

  @Test func aDuplicateIsOneMoreOfTheSameAndNotCountedTwice() async throws {
    try await withEcho(at: ["127.0.0.1:0"]) { server in
      try await server.impair(Self.change(.number(.duplicate, 100)))
      let client = try PlainSocket(at: "127.0.0.1:0")
      for number in 0..<10 { client.send([UInt8(number)], to: server.addresses[0]) }
      for number in 0..<20 { #expect(try client.receive().bytes == [UInt8(number / 2)]) }
      try await waitUntil { await server.counters.echoed == 20 }
      let counters = await server.counters
      #expect(counters.received == 10 && counters.duplicated == 10 && counters.isBalanced)
      #expect(counters.bytesReceived == 10 && counters.bytesEchoed == 20)
      #expect(!client.hasSomething)
    }
  }

  /// The kernel spreads the clients over the loops; the sequence is one all the same.
  @Test func overSeveralLoopsTheSameSeedGivesTheSameFates() async throws {
    var expected = Impairments()
    (expected.lossPercent, expected.duplicatePercent, expected.corruptPercent, expected.seed) = (30, 20, 20, 7)
    expected.burstLoss = .init(enterPercent: 5, leavePercent: 40)
    try await withLoops(3) { [expected] loops in
      let server = try EchoServer(
        on: loops, addresses: [#require(SocketAddress("127.0.0.1:0"))], impairments: expected)
      try await server.start()
      let clients = try (0..<12).map { _ in try PlainSocket(at: "127.0.0.1:0") }
      for _ in 0..<2 {
        var model = ImpairmentModel(expected)
        let before = await server.counters.received
        for number in 0..<100 {
          let client = clients[number % clients.count]
          client.send(pattern(20), to: server.addresses[0])
          try await waitUntil { await server.counters.received == before + number + 1 }
          for copy in model.nextFate(bytes: 20, headers: 28).copies {
            var wanted = pattern(20)
            if let bit = copy.flippedBit { wanted[bit / 8] ^= 1 << UInt8(bit % 8) }
            #expect(try client.receive().bytes == wanted)
          }
          #expect(!client.hasSomething)
        }
        // The seed given again starts over; nothing else has to be said.
        try await server.impair(Impairments.Change(isWhole: false, edits: [.seed(7)]))
      }
      await server.stop()
    }
  }

  @Test(
    arguments: [
      ("0.0.0.0:0", "127.0.0.2", "127.0.0.1:0"), ("[::]:0", "127.0.0.2", "127.0.0.1:0"), ("[::]:0", "::1", "[::1]:0"),
    ])
  func aDelayedReplyLeavesTheAddressThatWasAskedWithTheEchosHopLimit(
    place: String, asked: String, client: String
  ) async throws {
    try await withEcho(at: [place]) { server in
      try await server.impair(Self.change(.number(.delay, 1), .number(.duplicate, 100)))
      let asked = SocketAddress(try #require(IPAddress(asked)), port: server.addresses[0].port)
      let client = try PlainSocket(at: client)
      client.setOption(Int32(IPPROTO_IP), IP_RECVTTL, 1)
      client.setOption(Int32(IPPROTO_IPV6), IPV6_RECVHOPLIMIT, 1)
      client.send(pattern(100), to: asked)
      let reply = try client.receive()
      #expect(reply.bytes == pattern(100) && reply.sender == asked)
      #expect(try client.receiveHopLimit() == 47)
    }
  }

  @Test func theSumHoldsAtAnyMomentWhateverIsChanged() async throws {
    try await withEcho(at: ["127.0.0.1:0"]) { server in
      var generator = SeededGenerator(seed: 3)
      let clients = try (0..<8).map { _ in try PlainSocket(at: "127.0.0.1:0") }
      var sent = 0
      for _ in 0..<150 {
        let part = Impairments.Change(isWhole: Bool.random(using: &generator), edits: Self.edits(&generator))
        // One that makes no sense beside what is in force is refused.
        _ = try? await server.impair(part)
        for client in clients {
          client.send(pattern(Int.random(in: 0..<200, using: &generator)), to: server.addresses[0])
          sent += 1
        }
        let counters = await server.counters
        #expect(counters.isBalanced && counters.held >= 0)
      }
      try await server.impair(.none)
      try await waitUntil {
        let counters = await server.counters
        return counters.received == sent && counters.held == 0
      }
      let counters = await server.counters
      #expect(counters.isBalanced && counters.duplicated > 0 && counters.dropped[.impaired]! > 0)
      #expect(counters.echoed > sent / 4)
    }
  }

  private static func edits(_ generator: inout SeededGenerator) -> [Impairments.Edit] {
    [
      .number(.loss, Double.random(in: 0..<50, using: &generator)), .number(.duplicate, 30), .number(.corrupt, 30),
      .number(.delay, Double.random(in: 0..<20, using: &generator)), .number(.jitter, 5), .number(.reorder, 10),
      .number(.rate, Double.random(in: 500..<5000, using: &generator)),
      .burstLoss(.init(enterPercent: 5, leavePercent: 50)), .distribution(.normal),
    ].filter { _ in Bool.random(using: &generator) }
  }
}
