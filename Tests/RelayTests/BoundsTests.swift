import Basics
import EventLoop
import Relay
import Sockets
import TestSupport
import Testing

extension RealRelay {
  /// What is bounded, and which socket carries a message.
  @Suite struct BoundsTests {
    @Test func pastTheBudgetAMessageIsRefusedAtOnce() async throws {
      let peer = Peer()
      defer { peer.close() }
      try await withRelay(limit: 2) { bench in
        async let first = bench.exchange("first", with: peer.address)
        async let second = bench.exchange("second", with: peer.address)
        #expect(await eventually { peer.received.count == 2 })
        for _ in 0..<10 {
          let refused = await bench.exchange("third", with: peer.address, within: .seconds(60))
          #expect(refused.error == .overloaded(.exchanges))
        }
        #expect(bench.budget.inFlight == 2)
        #expect(peer.received.count == 2, "what is refused is not sent")
        for datagram in peer.received { peer.send(datagram.bytes, to: datagram.source) }
        #expect(await first.text == "first")
        #expect(await second.text == "second")
        peer.setAnswer { [$0.bytes] }
        #expect(await bench.exchange("fourth", with: peer.address).text == "fourth")
      }
    }

    @Test func theBudgetIsOneForTheRelaysOfAllLoops() async throws {
      let peer = Peer()
      defer { peer.close() }
      try await withRelay(limit: 1) { bench in
        let other = try LoopThread(name: "other-relay")
        defer {
          other.loop.stop()
          other.join()
        }
        let relay = UDPRelay(on: other.loop, budget: bench.budget, restingCapacity: 8)
        async let pending = bench.exchange("mine", with: peer.address)
        #expect(await eventually { peer.received.count == 1 })
        let target = Target(name: nil, address: peer.address)
        await #expect(throws: RelayError.overloaded(.exchanges)) {
          try await relay.exchange([1], with: target, within: .seconds(60))
        }
        peer.send("mine", to: peer.received[0].source)
        #expect(await pending.text == "mine")
        peer.setAnswer { [$0.bytes] }
        let reply = try await relay.exchange([1], with: target, within: .seconds(10))
        #expect(reply.bytes == [1])
      }
    }

    @Test func retiredSocketsPastTheLimitLeaveNoRoomForExchanges() async throws {
      let peer = Peer()
      defer { peer.close() }
      try await withRelay(limit: 4) { bench in
        // Each timeout retires a socket; past four the held ones take places.
        for number in 0..<8 {
          #expect(await bench.exchange("\(number)", with: peer.address, within: .milliseconds(1)).error == .noReply)
        }
        #expect(bench.budget.retiredSockets == 8)
        #expect(await bench.exchange("full", with: peer.address).error == .overloaded(.exchanges))
        #expect(PlainSocket.count(connectedTo: peer.address) == 8)
      }
    }

    @Test func aSocketIsUsedAgainAfterItsRestButNotForAFreshMessage() async throws {
      let peer = Peer()
      defer { peer.close() }
      try await withRelay { bench in
        async let one = bench.exchange("one", with: peer.address)
        async let two = bench.exchange("two", with: peer.address)
        #expect(await eventually { peer.received.count == 2 })
        for datagram in peer.received { peer.send(datagram.bytes, to: datagram.source) }
        let ports = Set([await one.localPort, await two.localPort])
        #expect(ports.count == 2)
        peer.setAnswer { [$0.bytes] }
        await letSocketsRest()
        let fresh = await bench.exchange("fresh", with: peer.address, fresh: true).localPort
        #expect(fresh != nil && !ports.contains(fresh))
        // The longest rested first: both, before the one that has just rested.
        let third = await bench.exchange("third", with: peer.address).localPort
        let fourth = await bench.exchange("fourth", with: peer.address).localPort
        #expect(Set([third, fourth]) == ports)
        #expect(peer.received.count == 5)
      }
    }

    @Test func everyFreshMessageHasAPortOfItsOwn() async throws {
      let peer = Peer.echoing()
      defer { peer.close() }
      try await withRelay(restingCapacity: 64) { bench in
        var ports: Set<UInt16> = []
        for number in 0..<100 {
          let result = await bench.exchange("\(number)", with: peer.address, fresh: true)
          #expect(result.text == "\(number)")
          ports.insert(result.localPort ?? 0)
        }
        #expect(ports.count == 100)
        #expect(await bench.relay.restingSockets == 64)
      }
    }

    @Test func aQuietTargetsManyMessagesNeedFewDescriptors() async throws {
      let peer = Peer.echoing()
      defer { peer.close() }
      try await withRelay(restingCapacity: 8) { bench in
        for number in 0..<2000 {
          #expect(await bench.exchange("\(number)", with: peer.address).text == "\(number)")
        }
        #expect(PlainSocket.count(connectedTo: peer.address) <= 8)
        #expect(bench.budget.retiredSockets == 0)
        #expect(await bench.relay.lateReplies == 0)
      }
    }

    @Test func descriptorsStayWithinTheirBoundWhateverHappens() async throws {
      let peer = Peer { $0.bytes.count % 3 == 0 ? [] : [$0.bytes] }
      defer { peer.close() }
      try await withRelay(limit: 20, restingCapacity: 10) { bench in
        for round in 0..<10 {
          await withTaskGroup(of: Void.self) { group in
            for number in 0..<30 {
              let message = [UInt8](repeating: 1, count: round + number)
              group.addTask { _ = await bench.exchange(message, with: peer.address, within: .milliseconds(20)) }
            }
          }
          #expect(bench.budget.inFlight == 0)
          #expect(bench.budget.retiredSockets <= 40)
          #expect(PlainSocket.count(connectedTo: peer.address) <= 10 + 40)
        }
      }
    }

    @Test func aRelayWhoseLoopHasEndedLeavesNoDescriptor() async throws {
      let peer = Peer.echoing()
      defer { peer.close() }
      weak let loop = try await withRelay { bench in
        for number in 0..<10 { #expect(await bench.exchange("\(number)", with: peer.address).text == "\(number)") }
        #expect(PlainSocket.count(connectedTo: peer.address) == 10)
        return bench.thread.loop
      }
      #expect(await eventually(within: 5) { PlainSocket.count(connectedTo: peer.address) == 0 })
      #expect(await eventually(within: 5) { loop == nil }, "its epoll and its eventfd are open")
    }
  }
}

/// What takes as long as a socket is held waits beside the other tests, not before them.
@Suite(.timeLimit(.minutes(2))) struct RetirementTests {
  @Test func aRetiredSocketIsClosedWhenItsTimeIsOver() async throws {
    let peer = Peer()
    defer { peer.close() }
    try await withRelay(limit: 1) { bench in
      #expect(await bench.exchange("lost", with: peer.address, within: .milliseconds(1)).error == .noReply)
      #expect(PlainSocket.count(connectedTo: peer.address) == 1)
      #expect(await eventually(within: 30) { PlainSocket.count(connectedTo: peer.address) == 0 })
      #expect(bench.budget.retiredSockets == 0)
    }
  }
}
