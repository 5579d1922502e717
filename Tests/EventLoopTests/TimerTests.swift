import Basics
import EventLoop
import TestSupport
import Testing

@Suite struct TimerTests {
  @Test func timersFireInOrderAndNotEarly() async throws {
    try await withLoop { loop in
      var random = SeededGenerator(seed: 5)
      let start = MonotonicTime.now()
      let deadlines = (0..<100).map { _ in start + Nanoseconds(Int64.random(in: 0..<60_000_000, using: &random)) }
      let fired = Record<(token: Int, at: MonotonicTime, turn: MonotonicTime)>()
      let handler = Handler(fired: { token in fired.append((token, .now(), loop.now)) })
      try await loop.perform {
        for (token, deadline) in deadlines.enumerated() {
          _ = loop.schedule(at: deadline, handler: handler, token: token)
        }
      }
      let entries = try await fired.atLeast(100)
      #expect(entries.map { deadlines[$0.token] } == deadlines.sorted())
      #expect(entries.allSatisfy { $0.at >= deadlines[$0.token] && $0.turn >= deadlines[$0.token] })
      #expect(Set(entries.map { $0.token }).count == 100)
    }
  }

  @Test func aCancelledTimerNeverFires() async throws {
    try await withLoop { loop in
      let fired = Record<Int>()
      let handler = Handler(fired: { fired.append($0) })
      try await loop.perform {
        let timers = (0..<10).map { loop.schedule(at: .now() + .milliseconds(5), handler: handler, token: $0) }
        for timer in timers where timer != timers[3] { loop.cancel(timer) }
        // Twice is no harm.
        loop.cancel(timers[0])
        _ = loop.schedule(at: .now() + .milliseconds(15), handler: handler, token: 100)
      }
      let seen = try await fired.atLeast(2)
      #expect(seen == [3, 100])
    }
  }

  @Test func aTimerCancelledByAnEarlierOneOfTheSameTurnDoesNotFire() async throws {
    try await withLoop { loop in
      let timers = Record<EventLoop.TimerID>()
      let fired = Record<Int>()
      let handler = Handler(fired: { token in
        fired.append(token)
        if token < 2 { loop.cancel(timers.entries[1 - token]) }
      })
      try await loop.perform {
        let due = MonotonicTime.now() - .milliseconds(1)
        for token in 0..<2 { timers.append(loop.schedule(at: due, handler: handler, token: token)) }
        _ = loop.schedule(at: .now() + .milliseconds(5), handler: handler, token: 2)
      }
      let entries = try await { () async throws -> [Int] in
        try await waitUntil { fired.entries.contains(2) }
        return fired.entries
      }()
      #expect(entries.count == 2)
    }
  }

  @Test func aTimerCanBeScheduledByAnother() async throws {
    try await withLoop { loop in
      let fired = Record<Int>()
      let chain = Chain(loop: loop, fired: fired)
      try await loop.perform { _ = loop.schedule(at: .now(), handler: chain, token: 0) }
      let seen = try await fired.atLeast(20)
      #expect(seen == Array(0..<20))
    }
  }

  @Test func aTimerOfTheFarFutureLeavesTheLoopItsWork() async throws {
    try await withLoop { loop in
      let fired = Record<Int>()
      let handler = Handler(fired: { fired.append($0) })
      try await loop.perform {
        _ = loop.schedule(at: .now() + .seconds(1e9), handler: handler, token: 1)
        _ = loop.schedule(at: .now() + .milliseconds(2), handler: handler, token: 2)
      }
      let seen = try await fired.atLeast(1)
      #expect(seen == [2])
    }
  }
}

private final class Chain: TimerHandler {
  private let loop: EventLoop
  private let fired: Record<Int>

  init(loop: EventLoop, fired: Record<Int>) {
    self.loop = loop
    self.fired = fired
  }

  func timerFired(_ token: Int) {
    fired.append(token)
    if token < 19 { _ = loop.schedule(at: loop.now, handler: self, token: token + 1) }
  }
}
