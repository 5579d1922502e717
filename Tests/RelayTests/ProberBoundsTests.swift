import Basics
import EventLoop
import Foundation
import Relay
import Sockets
import Synchronization
import TestSupport
import Testing

extension RealRelay {
  /// What a series may take, and how it ends before its time.
  @Suite struct ProberBoundsTests {
    @Test func aSeriesThatNobodyReadsEndsAndItsPortIsHeld() async throws {
      let peer = Peer()
      defer { peer.close() }
      try await withProber(limit: 1) { bench in
        var session: ProbeSession? = try await bench.begin(
          ProberBench.plan(nil, interval: .milliseconds(1)), with: peer.address)
        #expect(await eventually { peer.received.count > 3 })
        #expect(bench.places.count == 1 && bench.places.running == 1 && bench.budget.inFlight == 1)
        let port = peer.received[0].source.port
        #expect(bench.ports.contains(port))
        withExtendedLifetime(session) {}
        session = nil
        #expect(await eventually { bench.places.count == 0 && bench.budget.inFlight == 0 })
        #expect(bench.places.running == 0 && bench.budget.retiredSockets == 1 && bench.ports.contains(port))
        // What comes now is heard, and nothing more is sent: behind what the port sent comes what is sent now.
        let after = Peer()
        defer { after.close() }
        after.send("after", to: peer.address)
        #expect(await eventually { peer.received.last?.text == "after" })
        for datagram in peer.received.prefix(3) { peer.send(datagram.bytes, to: datagram.source) }
        #expect(await eventually { await bench.prober.lateReplies == 3 })
        #expect(peer.received.last?.text == "after")
        #expect(PlainSocket.count(connectedTo: peer.address) == 1)
      }
    }

    @Test func pastTheBoundASeriesIsRefusedUntilOneEnds() async throws {
      let peer = Peer()
      defer { peer.close() }
      try await withProber(limit: 2) { bench in
        let first = try await bench.begin(ProberBench.plan(1), with: peer.address)
        let second = try await bench.begin(ProberBench.plan(1), with: peer.address)
        await #expect(throws: RelayError.overloaded(.series)) {
          _ = try await bench.begin(ProberBench.plan(1), with: peer.address)
        }
        #expect(await eventually { peer.received.count == 2 })
        first.end()
        // Its place is free when it has been read to its end.
        await #expect(throws: RelayError.overloaded(.series)) {
          _ = try await bench.begin(ProberBench.plan(1), with: peer.address)
        }
        _ = await first.summary()
        let third = try await bench.begin(ProberBench.plan(1), with: peer.address)
        third.end()
        second.end()
        #expect(await third.summary().undecided == 1)
      }
    }

    @Test func aCancelledReaderHearsTheSummary() async throws {
      let peer = Peer()
      defer { peer.close() }
      try await withProber { bench in
        let session = try await bench.begin(ProberBench.plan(nil), with: peer.address)
        let reader = Task { await session.summary() }
        #expect(await eventually { peer.received.count > 3 })
        reader.cancel()
        let summary = await reader.value
        #expect(!summary.isComplete && summary.undecided >= 4)
      }
    }

    @Test func whenAllEndNoneBeginsAnew() async throws {
      let peer = Peer()
      defer { peer.close() }
      try await withProber { bench in
        let session = try await bench.begin(ProberBench.plan(nil), with: peer.address)
        await bench.prober.endAll()
        #expect(await !session.summary().isComplete)
        let next = await (try bench.begin(ProberBench.plan(5), with: peer.address)).summary()
        #expect(!next.isComplete && next.sent == 0 && next.undecided == 0)
      }
    }

    @Test func duplicatesPastTheirBoundAreCountedAndNotListed() async throws {
      let peer = Peer { [UInt8](repeating: 0, count: 0) == $0.bytes ? [] : [$0.bytes, $0.bytes, $0.bytes] }
      defer { peer.close() }
      try await withProber { bench in
        var plan = ProberBench.plan(10, interval: .milliseconds(20))
        plan.listedDuplicates = 3
        let outcome = try await bench.run(plan, with: peer.address)
        #expect(outcome.numbers(.duplicate).count == 3)
        // The last one's copies may come after the end.
        #expect((18...20).contains(outcome.summary.duplicates) && outcome.summary.received == 10)
      }
    }

    /// More than the receive buffer holds, while the loop has no time to read.
    @Test func whatOurOwnBufferHasNoRoomForIsToldApart() async throws {
      let peer = Peer()
      defer { peer.close() }
      try await withProber { bench in
        let session = try await bench.begin(ProberBench.plan(1, size: 60_000), with: peer.address)
        #expect(await eventually { peer.received.count == 1 })
        let gate = await bench.thread.loop.stand()
        let probe = peer.received[0]
        for _ in 0..<400 { peer.send(probe.bytes, to: probe.source) }
        gate.signal()
        let summary = await session.summary()
        #expect(summary.received == 1 && summary.droppedHere > 100)
      }
    }

    /// More in every turn of the loop than a turn takes, from the first datagram on: what is queued never ends.
    @Test(.timeLimit(.minutes(1))) func aTargetThatFloodsNeverHoldsUpASeries() async throws {
      let peer = Peer()
      defer { peer.close() }
      try await withProber { bench in
        let session = try await bench.begin(
          ProberBench.plan(3, interval: .milliseconds(20), timeout: .milliseconds(100)), with: peer.address)
        #expect(await eventually { peer.received.count == 1 })
        let flood = Flood(of: peer.received[0], from: peer, on: bench.thread.loop)
        defer { flood.end() }
        flood.go()
        let summary = await session.summary()
        #expect(summary.isComplete && summary.received == 1 && summary.lost == 2)
        #expect(summary.duplicates > 4 * Limits.probesPerTurn)
      }
    }

    private final class Flood: Sendable {
      private let datagram: Peer.Datagram
      private let peer: Peer
      private let loop: EventLoop
      private let isOver = Atomic(false)

      init(of datagram: Peer.Datagram, from peer: Peer, on loop: EventLoop) {
        self.datagram = datagram
        self.peer = peer
        self.loop = loop
      }

      func go() {
        if isOver.load(ordering: .relaxed) { return }
        for _ in 0..<4 * Limits.probesPerTurn { peer.send(datagram.bytes, to: datagram.source) }
        loop.submit { self.go() }
      }

      func end() {
        isOver.store(true, ordering: .relaxed)
      }
    }

    @Test func aSeriesEndsItsSendingAtItsLongest() async throws {
      let peer = Peer.echoing()
      defer { peer.close() }
      try await withProber { bench in
        var plan = ProberBench.plan(nil, interval: .milliseconds(2))
        plan.longest = .milliseconds(21)
        let summary = try await bench.run(plan, with: peer.address).summary
        #expect(summary.received == 11 && !summary.isComplete)
      }
    }
  }
}
