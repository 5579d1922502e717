import Basics
import Relay
@testable import Sockets
import SystemPackage
import TestSupport
import Testing

extension RealRelay {
  /// Why there is no reply, and when that is known.
  @Suite struct FailureTests {
    @Test func aClosedPortIsToldAtOnceAndByWhom() async throws {
      try await withRelay(limit: 1) { bench in
        let begin = MonotonicTime.now()
        let result = try await bench.exchange("anyone?", with: quietAddress("127.0.0.1"), within: .seconds(60))
        #expect(result.error == .portUnreachable(ReportedError.ICMP(version: 4, type: 3, code: 3)))
        #expect(MonotonicTime.now() - begin < .seconds(10))
        #expect(bench.budget.inFlight == 0)
        #expect(bench.budget.retiredSockets == 1)
      }
    }

    @Test(.enabled(if: PlainSocket.hasIPv6)) func aClosedPortIsToldOverIPv6Too() async throws {
      try await withRelay { bench in
        let result = try await bench.exchange("anyone?", with: quietAddress("[::1]"), within: .seconds(60))
        #expect(result.error == .portUnreachable(ReportedError.ICMP(version: 6, type: 1, code: 4)))
      }
    }

    @Test func aClosedPortSpoilsNothingForTheNextMessage() async throws {
      let closed = try quietAddress("127.0.0.1")
      try await withRelay { bench in
        for _ in 0..<20 {
          let error = await bench.exchange("anyone?", with: closed).error
          #expect(error == .portUnreachable(ReportedError.ICMP(version: 4, type: 3, code: 3)))
        }
        let peer = Peer(at: "\(closed)") { [$0.bytes] }
        defer { peer.close() }
        for number in 0..<20 { #expect(await bench.exchange("\(number)", with: closed).text == "\(number)") }
      }
    }

    @Test(arguments: [1, 50, 300]) func silenceIsNoReplyAtItsDeadlineAndNotBefore(milliseconds: Int) async throws {
      let peer = Peer()
      defer { peer.close() }
      try await withRelay { bench in
        let begin = MonotonicTime.now()
        let result = await bench.exchange("hello?", with: peer.address, within: .milliseconds(milliseconds))
        let elapsed = MonotonicTime.now() - begin
        #expect(result.error == .noReply)
        #expect(elapsed >= .milliseconds(milliseconds))
        #expect(elapsed < .milliseconds(milliseconds + 5000))
        #expect(bench.budget.inFlight == 0)
        #expect(bench.budget.retiredSockets == 1)
      }
    }

    @Test func eachOfManyHasItsOwnDeadline() async throws {
      let peer = Peer()
      defer { peer.close() }
      try await withRelay { bench in
        let order = await withTaskGroup(of: (Int, RelayError?).self) { group in
          for span in [2000, 500, 1500, 1000] {
            group.addTask {
              (span, await bench.exchange("\(span)", with: peer.address, within: .milliseconds(span)).error)
            }
          }
          return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(order.map(\.0) == [500, 1000, 1500, 2000])
        #expect(order.allSatisfy { $0.1 == .noReply })
      }
    }

    @Test func anAddressThatCannotBeSentToIsUnreachable() async throws {
      try await withRelay { bench in
        // A broadcast address, which the kernel lets no socket send to unless it asked (ip(7), SO_BROADCAST).
        let broadcast = SocketAddress("255.255.255.255:9")!
        let error = await bench.exchange("all", with: broadcast).error
        let refusals: [RelayError] = [.targetUnreachable(.permissionDenied, nil)]
        let routes: [RelayError] = [.targetUnreachable(.networkUnreachable, nil)]
        #expect((refusals + routes).contains(error ?? .noReply), "\(String(describing: error))")
        #expect(bench.budget.inFlight == 0)
      }
    }

    // MARK: Cancellation

    @Test func aCancelledTaskEndsItsExchangeAtOnceAndItsPlaceIsFree() async throws {
      let peer = Peer()
      defer { peer.close() }
      try await withRelay(limit: 1) { bench in
        let begin = MonotonicTime.now()
        let task = Task { await bench.exchange("hello", with: peer.address, within: .seconds(60)).error }
        #expect(await eventually { peer.received.count == 1 })
        task.cancel()
        #expect(await task.value == .cancelled)
        #expect(MonotonicTime.now() - begin < .seconds(20))
        #expect(bench.budget.inFlight == 0)
        #expect(bench.budget.retiredSockets == 1)
        peer.setAnswer { [$0.bytes] }
        #expect(await bench.exchange("next", with: peer.address).text == "next")
      }
    }

    @Test func aTaskThatIsCancelledAlreadySendsNothing() async throws {
      let peer = Peer.echoing()
      defer { peer.close() }
      try await withRelay { bench in
        let task = Task {
          withUnsafeCurrentTask { $0?.cancel() }
          return await bench.exchange("never", with: peer.address).error
        }
        #expect(await task.value == .cancelled)
        #expect(await bench.exchange("after", with: peer.address).text == "after")
        #expect(peer.received.map(\.text) == ["after"])
      }
    }

    @Test func cancellingAtAnyMomentEndsEveryExchangeOnce() async throws {
      let peer = Peer.echoing()
      defer { peer.close() }
      try await withRelay { bench in
        let tasks = (0..<300).map { number in
          Task { await bench.exchange("\(number)", with: peer.address, within: .seconds(60)) }
        }
        for (number, task) in tasks.enumerated() {
          if number % 7 == 0 { await Task.yield() }
          task.cancel()
        }
        for (number, task) in tasks.enumerated() {
          let result = await task.value
          #expect(result.text == "\(number)" || result.error == .cancelled)
        }
        #expect(bench.budget.inFlight == 0)
        #expect(await bench.exchange("after", with: peer.address).text == "after")
      }
    }
  }
}
