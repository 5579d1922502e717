import Basics
import EventLoop
import Foundation
import Relay
import Sockets
import TestSupport
import Testing

extension RealRelay {
  /// Series over real sockets, with peers of every kind.
  @Suite struct ProberTests {
    @Test(arguments: ["127.0.0.1:0", "[::1]:0"])
    func aSeriesIsOneFlowAndEachDatagramComesBack(place: String) async throws {
      if place.hasPrefix("["), !PlainSocket.hasIPv6 { return }
      let peer = Peer.echoing(at: place)
      defer { peer.close() }
      try await withProber { bench in
        let outcome = try await bench.run(ProberBench.plan(100), with: peer.address)
        #expect(outcome.summary.isComplete && outcome.summary.received == 100 && outcome.summary.sent == 100)
        #expect(outcome.numbers(.reply) == Array(1...100))
        #expect(outcome.lines.allSatisfy { $0.bytes == 64 && $0.roundTrip! > .zero })
        #expect(peer.received.map(\.number) == Array(1...100))
        #expect(Set(peer.received.map(\.source)).count == 1)
        #expect(Set(peer.received.map(\.bytes)).count == 100)
      }
    }

    @Test(arguments: [24, 1473, 65_507]) func everySizeComesBack(size: Int) async throws {
      let peer = Peer.echoing()
      defer { peer.close() }
      try await withProber { bench in
        let outcome = try await bench.run(ProberBench.plan(10, size: size), with: peer.address)
        #expect(outcome.summary.received == 10 && outcome.lines.allSatisfy { $0.bytes == size })
      }
    }

    /// Each fate by a known list: the summary must be exactly that.
    @Test func whatAPeerDoesToEachIsWhatIsTold() async throws {
      let peer = Peer { datagram in
        switch datagram.number % 10 {
        case 1: []
        case 2: [datagram.bytes, datagram.bytes]
        case 3: [datagram.flipped(Int(datagram.number) % 512)]
        case 4: [datagram.flipped(100), datagram.bytes]
        case 5: [Array(datagram.bytes.prefix(30))]
        case 6: [Array("not a number at all, and long enough".utf8), datagram.bytes]
        default: [datagram.bytes]
        }
      }
      defer { peer.close() }
      try await withProber { bench in
        let outcome = try await bench.run(ProberBench.plan(300, timeout: .seconds(3)), with: peer.address)
        func numbers(_ rests: Set<UInt64>) -> [UInt64] { (1...300).filter { rests.contains($0 % 10) } }
        #expect(outcome.numbers(.lost) == numbers([1]))
        #expect(outcome.numbers(.corrupted) == numbers([3, 4, 5]))
        #expect(outcome.numbers(.duplicate) == numbers([2, 4]))
        #expect(outcome.numbers(.reply) == numbers([0, 2, 6, 7, 8, 9]))
        let summary = outcome.summary
        #expect(summary.isComplete && summary.sent == 300 && summary.unmatched == 30 && summary.reordered == 0)
        #expect(summary.lossMillipercent == 10_000)
      }
    }

    @Test func reorderingIsCounted() async throws {
      let held = Locked<[[UInt8]]>([])
      // Pairs come back the other way round.
      let peer = Peer { datagram in
        held.withLock { held in
          held.append(datagram.bytes)
          guard held.count == 2 else { return [] }
          defer { held = [] }
          return held.reversed()
        }
      }
      defer { peer.close() }
      try await withProber { bench in
        let summary = try await bench.run(ProberBench.plan(20), with: peer.address).summary
        #expect(summary.received == 20 && summary.reordered == 10 && summary.duplicates == 0)
      }
    }

    @Test func silenceIsLostAndALateReplyTakesItBack() async throws {
      let peer = Peer()
      defer { peer.close() }
      try await withProber { bench in
        let plan = ProberBench.plan(2, interval: .seconds(2), timeout: .seconds(1))
        let session = try await bench.begin(plan, with: peer.address)
        guard case .lines(let lost) = await session.next() else { throw Unexpected() }
        #expect(lost == [] || lost.map(\.fate) == [.lost] && lost.map(\.number) == [1])
        #expect(await eventually { peer.received.count == 1 })
        let first = peer.received[0]
        peer.send(first.bytes, to: first.source)
        peer.setAnswer { [$0.bytes] }
        let outcome = await ProberBench.Outcome(session)
        #expect(outcome.numbers(.late) == [1] && outcome.numbers(.reply) == [2])
        #expect(outcome.summary.lost == 0 && outcome.summary.late == 1 && outcome.summary.sent == 2)
      }
    }

    @Test func aStrangerIsNeverHeard() async throws {
      let stranger = Peer()
      let peer = Peer { datagram in
        stranger.send(datagram.bytes, to: datagram.source)
        return []
      }
      defer {
        peer.close()
        stranger.close()
      }
      try await withProber { bench in
        let summary = try await bench.run(
          ProberBench.plan(20, timeout: .milliseconds(300)), with: peer.address
        ).summary
        #expect(summary.lost == 20 && summary.unmatched == 0)
      }
    }

    @Test(arguments: ["127.0.0.1", "[::1]"])
    func aClosedPortIsToldOfEachDatagramAtOnce(host: String) async throws {
      if host.hasPrefix("["), !PlainSocket.hasIPv6 { return }
      try await withProber { bench in
        let begin = MonotonicTime.now()
        let outcome = try await bench.run(
          ProberBench.plan(200, timeout: .seconds(60)), with: quietAddress(host))
        #expect(outcome.summary.unreachable == 200 && outcome.numbers(.unreachable) == Array(1...200))
        #expect(outcome.lines.allSatisfy { $0.error?.icmp != nil })
        #expect(MonotonicTime.now() - begin < .seconds(30))
      }
    }

    /// An open loop: nothing comes back, and all leave nevertheless.
    @Test func datagramsLeaveWhateverComesBack() async throws {
      let peer = Peer()
      defer { peer.close() }
      try await withProber { bench in
        let session = try await bench.begin(ProberBench.plan(50), with: peer.address)
        #expect(await eventually { peer.received.count == 50 })
        session.end()
        let summary = await session.summary()
        #expect(!summary.isComplete && summary.undecided == 50 && summary.sent == 0)
      }
    }

    /// What was late is sent at once, and the schedule stands: the turn is held up for twenty intervals.
    @Test func aLateTimerShiftsNothing() async throws {
      let arrivals = Locked<[MonotonicTime]>([])
      let peer = Peer { datagram in
        arrivals.withLock { $0.append(.now()) }
        return [datagram.bytes]
      }
      defer { peer.close() }
      try await withProber { bench in
        let begin = MonotonicTime.now()
        let session = try await bench.begin(ProberBench.plan(60, interval: .milliseconds(5)), with: peer.address)
        bench.thread.loop.submit { usleep(100_000) }
        let outcome = await ProberBench.Outcome(session)
        #expect(outcome.summary.received == 60)
        #expect(MonotonicTime.now() - begin >= .milliseconds(295), "59 intervals")
        // A loop that waits for each anew never sends two at once, however busy the machine is.
        let times = arrivals.withLock { $0 }
        #expect(zip(times, times.dropFirst()).count { $1 - $0 < .milliseconds(3) } >= 10)
      }
    }

    @Test func withoutAnIntervalTheNextLeavesWhenTheLastIsDecided() async throws {
      let peer = Peer()
      defer { peer.close() }
      try await withProber { bench in
        let session = try await bench.begin(ProberBench.plan(500, interval: .zero), with: peer.address)
        #expect(await eventually { peer.received.count == 1 })
        try await Task.sleep(nanoseconds: 50_000_000)
        #expect(peer.received.count == 1)
        peer.setAnswer { [$0.bytes] }
        peer.send(peer.received[0].bytes, to: peer.received[0].source)
        #expect(await ProberBench.Outcome(session).summary.received == 500)
      }
    }
  }
}

private struct Unexpected: Error {}
