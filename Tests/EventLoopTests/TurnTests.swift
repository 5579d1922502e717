import Basics
import EventLoop
import Testing

@Suite struct TurnTests {
  @Test func aTurnEndsAfterItsEventsTimersWorksAndJobs() async throws {
    try await withLoop { loop in
      let record = Record<String>()
      let pipe = try Pipe()
      let handler = Handler(
        ready: { _, _ in
          pipe.empty()
          record.append("event")
          Task(executorPreference: loop) { record.append("event's job") }
        },
        fired: { _ in record.append("timer") },
        turned: {
          record.append("end")
          return nil
        })
      try await loop.perform {
        _ = try loop.register(pipe.reading, for: .readable, handler: handler)
        loop.addTurnHandler(handler)
      }
      try await loop.perform {
        record.removeAll()
        // All of this is due in the next turn; this one's end comes first.
        _ = loop.schedule(at: .now(), handler: handler)
        pipe.fill()
        loop.submit {
          record.append("work")
          Task(executorPreference: loop) {
            await Task.yield()
            record.append("work's job")
          }
        }
      }
      let end = try await record.atLeast(7)
      try #require(end.prefix(1) == ["end"] || end.prefix(2) == ["timer", "end"])
      let turn = end.filter { $0 != "end" }
      #expect(Set(turn) == ["timer", "event", "work", "event's job", "work's job"])
      #expect(end.last == "end")
      try await loop.perform { loop.removeTurnHandler(handler) }
    }
  }

  @Test func jobsOfATurnsEndAreRunAndTheTurnEndsAgain() async throws {
    try await withLoop { loop in
      let record = Record<(what: String, turn: MonotonicTime)>()
      let handler = Handler(turned: {
        record.append(("end", loop.now))
        if record.entries.count == 1 { Task(executorPreference: loop) { record.append(("job", loop.now)) } }
        return nil
      })
      try await loop.perform { loop.addTurnHandler(handler) }
      let seen = try await record.atLeast(3).prefix(3)
      #expect(seen.map { $0.what } == ["end", "job", "end"])
      // The loop has not slept meanwhile.
      #expect(Set(seen.map { $0.turn }).count == 1)
      try await loop.perform { loop.removeTurnHandler(handler) }
    }
  }

  @Test func theLoopSleepsNoLongerThanTheFirstHandlerWants() async throws {
    try await withLoop { loop in
      let ends = Record<MonotonicTime>()
      let impatient = Handler(turned: {
        ends.append(.now())
        return .now() + .milliseconds(5)
      })
      let patient = Handler(turned: { .now() + .seconds(100) })
      try await loop.perform {
        for handler in [patient, impatient, patient] { loop.addTurnHandler(handler) }
      }
      // With nothing to do, a hundred turns take half a second, not a hundred times the longest wait.
      let told = try await ends.atLeast(100)
      #expect(told[99] - told[0] < .seconds(10))
      try await loop.perform { loop.removeTurnHandler(impatient) }
    }
  }

  @Test func aRemovedHandlerIsToldNoMore() async throws {
    try await withLoop { loop in
      let ends = Record<Int>()
      let handlers = (0..<2).map { index in
        Handler(turned: {
          ends.append(index)
          return nil
        })
      }
      try await loop.perform { for handler in handlers { loop.addTurnHandler(handler) } }
      _ = try await ends.atLeast(2)
      try await loop.perform {
        loop.removeTurnHandler(handlers[0])
        ends.removeAll()
      }
      _ = try await ends.atLeast(1)
      try await loop.perform {}
      #expect(!ends.entries.contains(0))
    }
  }

  @Test func aTurnHasOneTimeForAllItsEvents() async throws {
    try await withLoop { loop in
      let times = Record<MonotonicTime>()
      let pipes = try (0..<3).map { _ in try Pipe() }
      let handler = Handler(
        ready: { _, token in
          pipes[token].empty()
          let began = MonotonicTime.now()
          while MonotonicTime.now() == began {}
          times.append(loop.now)
        })
      try await loop.perform {
        for (token, pipe) in pipes.enumerated() {
          _ = try loop.register(pipe.reading, for: .readable, handler: handler, token: token)
        }
        for pipe in pipes { pipe.fill() }
      }
      let seen = try await times.atLeast(3)
      #expect(Set(seen).count == 1)
    }
  }
}
