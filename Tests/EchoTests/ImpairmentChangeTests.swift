import Basics
import EventLoop
import Sockets
import TestSupport
import Testing

@testable import Echo

/// Changes, their end, and what is held back meanwhile.
@Suite struct ImpairmentChangeTests {
  private static func change(isWhole: Bool = true, _ edits: Impairments.Edit...) -> Impairments.Change {
    Impairments.Change(isWhole: isWhole, edits: edits)
  }

  @Test func aSeedIsDrawnWhereNoneIsGivenAndStays() async throws {
    try await withEcho(at: ["127.0.0.1:0"]) { server in
      #expect(await server.impairments == Impairments())
      let drawn = try await server.impair(Self.change(.number(.loss, 10)))
      let seed = try #require(drawn.seed)
      #expect(seed < 1 << 53 && drawn.lossPercent == 10)
      #expect(await server.impairments == drawn)
      #expect(try await server.impair(Self.change(isWhole: false, .number(.loss, 20))).seed == seed)
      #expect(try await server.impair(Self.change(.number(.loss, 20))).seed != seed)
      #expect(try await server.impair(Self.change(isWhole: false, .seed(7))).seed == 7)
      #expect(try await server.impair(.none) == Impairments())
      // Where nothing is on, nothing has to be drawn from.
      #expect(try await server.impair(Self.change(.number(.expiry, 60_000))).seed == nil)
    }
  }

  @Test func aFaultChangesNothing() async throws {
    try await withEcho(at: ["127.0.0.1:0"]) { server in
      let before = try await server.impair(Self.change(.number(.delay, 5), .seed(7)))
      for edits in [[Impairments.Edit.number(.loss, 101)], [.number(.reorder, 10), .number(.delay, 0)]] {
        await #expect(throws: Impairments.Fault.self) {
          try await server.impair(Impairments.Change(isWhole: false, edits: edits))
        }
      }
      #expect(await server.impairments == before)
    }
  }

  @Test func impairmentsEndByThemselvesInEveryLoop() async throws {
    try await withLoops(2) { loops in
      let server = try EchoServer(on: loops, addresses: [#require(SocketAddress("127.0.0.1:0"))])
      let expired = Locked(0)
      try await server.start { expired.withLock { $0 += 1 } }
      let inForce = try await server.impair(Self.change(.number(.loss, 100), .number(.expiry, 300)))
      let remaining = try #require(inForce.expiresInMilliseconds)
      #expect(remaining > 0 && remaining <= 300)
      try await waitUntil { await server.impairments == Impairments() }
      #expect(expired.withLock { $0 } == 1)
      for loop in loops { await loop.settle() }
      for _ in 0..<10 {
        let client = try PlainSocket(at: "127.0.0.1:0")
        client.send([1], to: server.addresses[0])
        #expect(try client.receive().bytes == [1])
      }
      await server.stop()
    }
  }

  @Test func aPartialChangeKeepsTheTimeThatRemainsUnlessItGivesAnother() async throws {
    try await withEcho(at: ["127.0.0.1:0"]) { server in
      try await server.impair(Self.change(.number(.loss, 1), .number(.expiry, 600_000)))
      let kept = try await server.impair(Self.change(isWhole: false, .number(.loss, 2))).expiresInMilliseconds
      #expect(try #require(kept) <= 600_000 && kept! > 500_000)
      let given = try await server.impair(Self.change(isWhole: false, .number(.expiry, 1000))).expiresInMilliseconds
      #expect(try #require(given) <= 1000)
      #expect(try await server.impair(Self.change(isWhole: false, .reset(.expiry))).expiresInMilliseconds == nil)
      try await server.impair(Self.change(isWhole: false, .number(.expiry, 600_000)))
      #expect(try await server.impair(Self.change(.number(.loss, 1))).expiresInMilliseconds == nil)
    }
  }

  @Test func whatIsHeldWhenImpairmentsEndStillLeaves() async throws {
    try await withEcho(at: ["127.0.0.1:0"]) { server in
      try await server.impair(Self.change(.number(.delay, 2000)))
      let client = try PlainSocket(at: "127.0.0.1:0")
      let began = MonotonicTime.now()
      client.send([1], to: server.addresses[0])
      try await waitUntil { await server.counters.held == 1 }
      try await server.impair(.none)
      client.send([2], to: server.addresses[0])
      #expect(try client.receive().bytes == [2])
      #expect(try client.receive().bytes == [1])
      #expect(MonotonicTime.now() - began >= .seconds(2))
      try await waitUntil { await server.counters.echoed == 2 }
      #expect(await server.counters.held == 0)
    }
  }

  @Test func whatIsHeldWhenTheServerEndsIsLostAndCounted() async throws {
    try await withLoops(2) { loops in
      let server = try EchoServer(on: loops, addresses: [quietAddress("127.0.0.1")])
      try await server.start()
      try await server.impair(Self.change(.number(.delay, 60_000)))
      let client = try PlainSocket(at: "127.0.0.1:0")
      for _ in 0..<5 { client.send([1], to: server.addresses[0]) }
      try await waitUntil { await server.counters.held == 5 }
      await server.stop()
      let counters = await server.counters
      #expect(counters.dropped == [.impaired: 5] && counters.held == 0 && counters.isBalanced)
      #expect(try EchoServer(on: loops, addresses: server.addresses).addresses == server.addresses)
    }
  }

  /// Whoever changes at the same time: in the end all loops do what is said to be in force.
  @Test func changesAtTheSameTimeEndInOne() async throws {
    try await withEcho(at: ["127.0.0.1:0"]) { server in
      for round in 0..<30 {
        await withTaskGroup(of: Void.self) { group in
          for number in 0..<6 {
            group.addTask {
              _ = try? await server.impair(number % 2 == 0 ? .none : Self.change(.number(.loss, 100)))
            }
          }
        }
        let isLossy = await server.impairments.isActive
        let before = await server.counters
        for _ in 0..<8 { try PlainSocket(at: "127.0.0.1:0").send([1], to: server.addresses[0]) }
        try await waitUntil { await server.counters.received == before.received + 8 }
        #expect(await server.counters.echoed - before.echoed == (isLossy ? 0 : 8), "round \(round)")
      }
    }
  }
}

/// What reaches a loop late.
@Suite struct ImpairmentPathTests {
  /// An end by itself and a change reach a loop by different ways, so one may overtake the other.
  @Test func anOlderChangeThatComesLateChangesNothing() async throws {
    try await withLoops(1) { loops in
      let filter = SourceFilter(own: [], interfaces: [], broadcasts: [])
      let admission = EchoAdmission(filter: filter, limiter: Locked(RateLimiter(rate: 1)))
      let impaired = ImpairedEcho(on: loops[0], sockets: [], admission: admission)
      let worker = EchoWorker(on: loops[0], sockets: [], admission: admission, observer: nil)
      await worker.loop.execute { worker.hand(to: impaired, 1) }
      #expect(await worker.loop.execute { worker.impaired } === impaired)
      await worker.loop.execute {
        worker.hand(to: nil, 3)
        worker.hand(to: impaired, 2)
      }
      #expect(await worker.loop.execute { worker.impaired } == nil)
      await worker.loop.execute { worker.stop() }
    }
  }
}

/// What is refused for lack of room.
@Suite struct ImpairmentBoundsTests {
  /// The first loop stands still while another one goes on reading.
  @Test func whatIsOnItsWayToTheFirstLoopIsBounded() async throws {
    try await withLoops(2) { loops in
      let isReadBySecond = Locked(false)
      let server = try EchoServer(on: loops, addresses: [#require(SocketAddress("127.0.0.1:0"))]) { _, _ in
        isReadBySecond.withLock { $0 = loops[1].isCurrent }
      }
      try await server.start()
      try await server.impair(Impairments.Change(isWhole: true, edits: [.number(.loss, 100)]))
      // The kernel chooses the loop by the client's port.
      var client = try PlainSocket(at: "127.0.0.1:0")
      var before = 0
      while !isReadBySecond.withLock({ $0 }) {
        client = try PlainSocket(at: "127.0.0.1:0")
        client.send([0], to: server.addresses[0])
        before += 1
        try await waitUntil { await server.counters.received == before }
      }
      let gate = await loops[0].stand()
      let large = pattern(60_000)
      let (room, sent) = (Limits.bytesInTransit / (60_000 + Limits.weightOfDatagram), 200)
      for _ in 0..<sent {
        client.send(large, to: server.addresses[0])
        await loops[1].settle()
      }
      gate.signal()
      try await waitUntil { await server.counters.received == before + sent }
      #expect(await server.counters.dropped == [.holdFull: sent - room, .impaired: before + room])
      // The room is given back.
      for _ in 0..<2 * room {
        client.send(large, to: server.addresses[0])
        await loops[1].settle()
        await loops[0].settle()
      }
      try await waitUntil { await server.counters.received == before + sent + 2 * room }
      #expect(await server.counters.dropped == [.holdFull: sent - room, .impaired: before + 3 * room])
      #expect(await server.counters.isBalanced)
      await server.stop()
    }
  }

  /// Each datagram is one of a turn's share, whether it went on to the first loop or was refused.
  @Test(arguments: [false, true]) func aTurnTakesItsShareWhateverBecomesOfIt(isFull: Bool) async throws {
    try await withLoops(2) { loops in
      let address = try #require(SocketAddress("127.0.0.1:0"))
      let socket = try BoundSocket(UDPSocket.bound(to: address))
      let filter = SourceFilter(own: [socket.address], interfaces: [], broadcasts: [])
      let admission = EchoAdmission(filter: filter, limiter: Locked(RateLimiter(rate: 1)))
      let impaired = ImpairedEcho(on: loops[0], sockets: [], admission: admission)
      let gate = await loops[0].stand()
      var before = 0
      if isFull {
        for bytes in [pattern(60_000), [1]] {
          let one = ArrivedDatagram(source: socket.address, socket: socket.address, listener: 0, bytes: bytes)
          while impaired.take([one]) { before += 1 }
        }
      }
      let turn = await loops[1].execute {
        Result {
          let worker = EchoWorker(on: loops[1], sockets: [(0, socket)], admission: admission, observer: nil)
          try worker.start()
          worker.hand(to: impaired, 1)
          let client = try PlainSocket(at: "127.0.0.1:0")
          for _ in 0...Limits.echoDatagramsPerTurn { client.send([1], to: socket.address) }
          worker.descriptorReady(.readable, token: 0)
          worker.stop()
          return worker.counters
        }
      }
      gate.signal()
      let counters = try turn.get()
      await loops[0].settle()
      let handedOver = await impaired.counters.received - before
      #expect(counters.dropped == (isFull ? [.holdFull: Limits.echoDatagramsPerTurn] : [:]))
      #expect(counters.received + handedOver == Limits.echoDatagramsPerTurn)
    }
  }

  /// What a duplicate costs is the sender's: its network has a token a second here.
  @Test func duplicatesAreChargedToTheRate() async throws {
    try await withLoops(1) { loops in
      let socket = try BoundSocket(UDPSocket.bound(to: #require(SocketAddress("127.0.0.1:0"))))
      let filter = SourceFilter(own: [socket.address], interfaces: [], broadcasts: [])
      let admission = EchoAdmission(filter: filter, limiter: Locked(RateLimiter(rate: 1)))
      let impaired = ImpairedEcho(on: loops[0], sockets: [socket], admission: admission)
      var impairments = Impairments()
      (impairments.duplicatePercent, impairments.delayMilliseconds) = (100, 60_000)
      await impaired.start([], with: impairments, whenExpired: nil)
      // Nothing is sent to them: all of it is held until the end.
      for source in ["8.8.8.8:5000", "127.0.0.1:5000"] {
        let datagrams = try (0..<3).map { _ in
          ArrivedDatagram(
            source: try #require(SocketAddress(source)), socket: socket.address, listener: 0, bytes: [1])
        }
        #expect(impaired.take(datagrams))
      }
      await loops[0].settle()
      let counters = await impaired.counters
      #expect(counters.received == 6 && counters.duplicated == 6 && counters.isBalanced)
      #expect(counters.dropped == [.rateLimited: 2] && counters.held == 10)
      await impaired.stop()
    }
  }
}
