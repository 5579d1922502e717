import Basics
import Relay
import Sockets
import TestSupport
import Testing

extension RealRelay {
  /// A datagram answers its own message or none. Each message and each reply carries a number, so that the test knows.
  @Suite struct MisattributionTests {
    @Test func aLateReplyNeverAnswersTheNextExchange() async throws {
      let peer = Peer()
      defer { peer.close() }
      try await withRelay { bench in
        #expect(await bench.exchange("first", with: peer.address, within: .milliseconds(50)).error == .noReply)
        async let pending = bench.exchange("second", with: peer.address)
        #expect(await eventually { peer.received.count == 2 })
        let sources = peer.received.map(\.source)
        #expect(sources[0] != sources[1], "the first port may still hear a reply")
        peer.send("reply to first", to: sources[0])
        #expect(await eventually { await bench.relay.lateReplies == 1 })
        #expect(bench.budget.inFlight == 1, "the second still waits")
        peer.send("reply to second", to: sources[1])
        #expect(await pending.text == "reply to second")
        #expect(await bench.relay.lateReplies == 1)
      }
    }

    @Test func noPortIsUsedAgainAfterATimeout() async throws {
      let peer = Peer()
      defer { peer.close() }
      try await withRelay { bench in
        for number in 0..<10 {
          let result = await bench.exchange("lost \(number)", with: peer.address, within: .milliseconds(1))
          #expect(result.error == .noReply)
        }
        #expect(await eventually { peer.received.count == 10 })
        let lost = Set(peer.received.map(\.source.port))
        await letSocketsRest()
        peer.setAnswer { [Array("reply to ".utf8) + $0.bytes] }
        for number in 0..<10 {
          let result = await bench.exchange("\(number)", with: peer.address)
          #expect(result.text == "reply to \(number)")
          #expect(!lost.contains(result.localPort ?? 0))
        }
      }
    }

    @Test func theReplyToACancelledExchangeAnswersNobody() async throws {
      let peer = Peer()
      defer { peer.close() }
      try await withRelay(restingCapacity: 1) { bench in
        let task = Task { await bench.exchange("cancelled", with: peer.address).error }
        #expect(await eventually { peer.received.count == 1 })
        task.cancel()
        #expect(await task.value == .cancelled)
        async let pending = bench.exchange("next", with: peer.address)
        #expect(await eventually { peer.received.count == 2 })
        peer.send("reply to cancelled", to: peer.received[0].source)
        #expect(await eventually { await bench.relay.lateReplies == 1 })
        peer.send("reply to next", to: peer.received[1].source)
        #expect(await pending.text == "reply to next")
      }
    }

    @Test func aDoubledReplyAnswersOnlyTheFirst() async throws {
      let peer = Peer { datagram in Array(repeating: Array("reply to ".utf8) + datagram.bytes, count: 2) }
      defer { peer.close() }
      try await withRelay { bench in
        var doubled: Set<UInt16> = []
        for number in 0..<40 {
          let result = await bench.exchange("doubled \(number)", with: peer.address)
          #expect(result.text == "reply to doubled \(number)")
          doubled.insert(result.localPort ?? 0)
        }
        #expect(doubled.count == 40, "a socket is not used again before its rest")
        await letSocketsRest()
        peer.setAnswer { [Array("reply to ".utf8) + $0.bytes] }
        for number in 0..<40 {
          let result = await bench.exchange("single \(number)", with: peer.address)
          #expect(result.text == "reply to single \(number)")
          #expect(!doubled.contains(result.localPort ?? 0), "what heard a duplicate is retired")
        }
        #expect(await eventually { await bench.relay.lateReplies == 40 })
        #expect(bench.budget.retiredSockets == 40)
      }
    }

    @Test func aDuplicateThatComesDuringTheRestRetiresTheSocket() async throws {
      let peer = Peer.echoing()
      defer { peer.close() }
      try await withRelay { bench in
        let first = try await bench.exchange("first", with: peer.address).get()
        #expect(await bench.relay.restingSockets == 1)
        peer.send("first", to: first.local)
        #expect(await eventually { await bench.relay.lateReplies == 1 })
        #expect(await bench.relay.restingSockets == 0)
        #expect(bench.budget.retiredSockets == 1)
        await letSocketsRest()
        let second = try await bench.exchange("second", with: peer.address).get()
        #expect(second.local != first.local)
      }
    }

    @Test func aTargetThatDoublesIsRefusedAtTheCapRatherThanMisread() async throws {
      let peer = Peer.echoing()
      defer { peer.close() }
      try await withRelay(restingCapacity: 2) { bench in
        // Once it is known to double …
        let first = try await bench.exchange("first", with: peer.address).get()
        peer.send("first", to: first.local)
        #expect(await eventually { await bench.relay.lateReplies == 1 })
        // … two sockets may rest, and none is used before it has.
        var replies = 0
        var ports: Set<UInt16> = []
        for number in 0..<50 {
          let result = await bench.exchange("\(number)", with: peer.address)
          if let text = result.text {
            #expect(text == "\(number)")
            #expect(ports.insert(result.localPort!).inserted, "port \(result.localPort!) was used before its rest")
            replies += 1
          } else {
            #expect(result.error == .overloaded(.restedSockets))
          }
        }
        #expect(replies == 2)
        await letSocketsRest()
        #expect(await bench.exchange("rested", with: peer.address).text == "rested")
      }
    }

    /// One reply for each message is no surplus, however late it is.
    @Test(arguments: [false, true]) func aReplyThatIsLateDoesNotBarATarget(isCancelled: Bool) async throws {
      let peer = Peer()
      defer { peer.close() }
      try await withRelay(restingCapacity: 2) { bench in
        let first = Task {
          await bench.exchange("first", with: peer.address, within: isCancelled ? .seconds(10) : .milliseconds(1)).error
        }
        #expect(await eventually { peer.received.count == 1 })
        if isCancelled { first.cancel() }
        #expect(await first.value == (isCancelled ? .cancelled : .noReply))
        peer.setAnswer { [$0.bytes] }
        let late = peer.received[0].source
        peer.send("first", to: late)
        #expect(await eventually { await bench.relay.lateReplies == 1 })
        for number in 0..<50 { #expect(await bench.exchange("\(number)", with: peer.address).text == "\(number)") }
        // A second reply is.
        peer.send("first", to: late)
        #expect(await eventually { await bench.relay.lateReplies == 2 })
        #expect(await bench.exchange("more", with: peer.address).error == .overloaded(.restedSockets))
      }
    }

    @Test func aThirdPartyIsNeverHeard() async throws {
      let peer = Peer()
      defer { peer.close() }
      let stranger = Peer()
      defer { stranger.close() }
      try await withRelay { bench in
        async let pending = bench.exchange("hello", with: peer.address)
        #expect(await eventually { peer.received.count == 1 })
        let local = peer.received[0].source
        for number in 0..<20 { stranger.send("forged \(number)", to: local) }
        peer.send("true", to: local)
        let reply = try await pending.get()
        #expect(reply.bytes == Array("true".utf8))
        #expect(reply.sender == peer.address)
        for number in 0..<20 { stranger.send("forged \(number)", to: local) }
        await letSocketsRest()
        #expect(await bench.relay.lateReplies == 0, "the kernel drops what comes from others")
        #expect(await bench.relay.restingSockets == 1)
      }
    }

    /// Thousands of messages at once to a peer that answers as badly as one can: not one may get another's reply.
    @Test(arguments: [1, 2] as [UInt64]) func noReplyEverAnswersAnothersMessage(seed: UInt64) async throws {
      _ = DescriptorLimit.raise(to: 8192)
      let peers = (0..<4).map { HostilePeer(seed: seed << 8 + $0) }
      defer { for peer in peers { peer.close() } }
      try await withRelay { bench in
        let tally = await withTaskGroup(of: Tally.self) { group in
          for worker in 0..<2000 {
            group.addTask { await Self.exchanges(of: worker, on: bench, with: peers[worker % peers.count]) }
          }
          return await group.reduce(into: Tally()) { $0.add($1) }
        }
        #expect(tally.wrong == [])
        #expect(tally.replies > 1000 && tally.silences > 100, "\(tally)")
        #expect(bench.budget.inFlight == 0)
        #expect(await bench.relay.lateReplies > 200)
      }
    }

    private struct Tally {
      var replies = 0
      var silences = 0
      var wrong: [String] = []

      mutating func add(_ other: Tally) {
        replies += other.replies
        silences += other.silences
        wrong += other.wrong
      }
    }

    private static func exchanges(of worker: Int, on bench: RelayBench, with peer: HostilePeer) async -> Tally {
      var tally = Tally()
      for number in 0..<3 {
        let message = Array("\(worker)/\(number)".utf8)
        switch await bench.exchange(message, with: peer.address, within: .milliseconds(600)) {
        case .success(let reply):
          tally.replies += 1
          let answered = Array(reply.bytes.prefix { $0 != HostilePeer.mark })
          if reply.sender != peer.address || answered != message && !peer.wasTooLate(answering: answered) {
            tally.wrong.append("\(worker)/\(number) got \(String(decoding: reply.bytes.prefix(20), as: UTF8.self))")
          }
        case .failure(.noReply): tally.silences += 1
        case .failure(.overloaded): break
        case .failure(let error): tally.wrong.append("\(worker)/\(number) met \(error)")
        }
      }
      return tally
    }
  }
}
