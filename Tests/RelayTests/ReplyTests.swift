import Basics
import Relay
import Sockets
import TestSupport
import Testing

extension RealRelay {
  /// What comes back when all goes well.
  @Suite struct ReplyTests {
    @Test func aReplyTellsItsBytesItsSenderAndWhereItArrived() async throws {
      let peer = Peer { [Array("re: ".utf8) + $0.bytes] }
      defer { peer.close() }
      try await withRelay { bench in
        let begin = MonotonicTime.now()
        let reply = try await bench.exchange("hello", with: peer.address).get()
        let elapsed = MonotonicTime.now() - begin
        #expect(reply.bytes == Array("re: hello".utf8))
        #expect(reply.sender == peer.address)
        #expect(peer.received.map(\.text) == ["hello"])
        #expect(peer.received.map(\.source) == [reply.local])
        #expect(reply.roundTrip > .zero)
        #expect(reply.roundTrip <= elapsed)
        #expect(bench.budget.inFlight == 0)
      }
    }

    @Test func theRoundTripIsMeasuredFromTheSendToTheArrival() async throws {
      let peer = Peer()
      defer { peer.close() }
      try await withRelay { bench in
        let begin = MonotonicTime.now()
        async let pending = bench.exchange("slow", with: peer.address)
        #expect(await eventually { peer.received.count == 1 })
        let sentBy = MonotonicTime.now()
        try await Task.sleep(nanoseconds: 50_000_000)
        let heldFor = MonotonicTime.now() - sentBy
        peer.send("reply", to: peer.received[0].source)
        let reply = try await pending.get()
        #expect(reply.roundTrip >= heldFor)
        #expect(reply.roundTrip <= MonotonicTime.now() - begin)
      }
    }

    @Test func anEmptyMessageIsADatagramAndSoIsAnEmptyReply() async throws {
      let peer = Peer.echoing()
      defer { peer.close() }
      try await withRelay { bench in
        let reply = try await bench.exchange([], with: peer.address).get()
        #expect(reply.bytes == [])
        #expect(reply.sender == peer.address)
        #expect(peer.received.map(\.bytes) == [[]])
      }
    }

    @Test func anEmptyReplyAnswersAFullMessage() async throws {
      let peer = Peer { _ in [[]] }
      defer { peer.close() }
      try await withRelay { bench in
        #expect(await bench.exchange("something", with: peer.address).bytes == [])
      }
    }

    @Test func everyByteValueComesBackAsItWas() async throws {
      let peer = Peer.echoing()
      defer { peer.close() }
      try await withRelay { bench in
        let message = (0...255).map { UInt8($0) }
        #expect(await bench.exchange(message, with: peer.address).bytes == message)
        #expect(peer.received.map(\.bytes) == [message])
      }
    }

    @Test func aReplyMayBeLongerThanItsMessage() async throws {
      let long = (0..<Limits.largestPayloadIPv4).map { UInt8(truncatingIfNeeded: $0 &* 7) }
      let peer = Peer { _ in [long] }
      defer { peer.close() }
      try await withRelay { bench in
        #expect(await bench.exchange("give", with: peer.address).bytes == long)
      }
    }

    @Test func theLongestMessageIsSentWhole() async throws {
      let peer = Peer.echoing()
      defer { peer.close() }
      try await withRelay { bench in
        let message = (0..<65_507).map { UInt8(truncatingIfNeeded: $0 &* 13) }
        #expect(await bench.exchange(message, with: peer.address).bytes == message)
        #expect(peer.received.map(\.bytes.count) == [65_507])
      }
    }

    @Test func oneByteMoreIsRefusedBeforeAnythingIsSent() async throws {
      let peer = Peer.echoing()
      defer { peer.close() }
      try await withRelay(limit: 1) { bench in
        let tooLong = [UInt8](repeating: 1, count: 65_508)
        let refused = await bench.exchange(tooLong, with: peer.address)
        #expect(refused.error == .messageTooLarge(limit: 65_507))
        #expect(bench.budget.inFlight == 0)
        #expect(PlainSocket.count(connectedTo: peer.address) == 0)
        #expect(await bench.exchange("after", with: peer.address).text == "after")
        #expect(peer.received.map(\.text) == ["after"])
      }
    }

    @Test(.enabled(if: PlainSocket.hasIPv6)) func repliesComeOverIPv6Too() async throws {
      let peer = Peer.echoing(at: "[::1]:0")
      defer { peer.close() }
      try await withRelay { bench in
        let reply = try await bench.exchange("six", with: peer.address).get()
        #expect(reply.bytes == Array("six".utf8))
        #expect(reply.sender == peer.address)
        #expect(peer.received.map(\.source) == [reply.local])
        #expect(reply.local.ip.version == 6)
      }
    }

    @Test(.enabled(if: PlainSocket.hasIPv6)) func aMessageOverIPv6MayBeTwentyBytesLonger() async throws {
      let peer = Peer.echoing(at: "[::1]:0")
      defer { peer.close() }
      try await withRelay { bench in
        let message = (0..<65_527).map { UInt8(truncatingIfNeeded: $0 &* 13) }
        #expect(await bench.exchange(message, with: peer.address).bytes == message)
        let refused = await bench.exchange(message + [0], with: peer.address)
        #expect(refused.error == .messageTooLarge(limit: 65_527))
        #expect(peer.received.count == 1)
      }
    }

    @Test func aThousandMessagesAtOnceEachGetTheirOwnReply() async throws {
      _ = DescriptorLimit.raise(to: 8192)
      // Ten peers, since a hundred datagrams fit into a socket's buffer whoever is on the processor.
      let peers = (0..<10).map { _ in Peer() }
      defer { for peer in peers { peer.close() } }
      try await withRelay { bench in
        let wrong = await withTaskGroup(of: Bool.self) { group in
          for number in 0..<1000 {
            group.addTask {
              await bench.exchange("message \(number)", with: peers[number % 10].address, within: .seconds(30)).text
                == "reply to message \(number)"
            }
          }
          // All are in flight before the first is answered, and the last comes first.
          #expect(await eventually { peers.allSatisfy { $0.received.count == 100 } })
          #expect(bench.budget.inFlight == 1000)
          for peer in peers {
            for datagram in peer.received.reversed() { peer.send("reply to " + datagram.text, to: datagram.source) }
          }
          return await group.reduce(0) { $1 ? $0 : $0 + 1 }
        }
        #expect(wrong == 0)
        #expect(bench.budget.inFlight == 0)
        #expect(bench.budget.retiredSockets == 0)
        #expect(await bench.relay.lateReplies == 0)
      }
    }
  }
}
