import Basics
import EventLoop
import Glibc
import Testing

@Suite struct SignalWatcherTests {
  /// The signal is sent to the loop's thread alone, which has it blocked: the other tests' threads know nothing of it.
  @Test func aSignalIsToldOnTheLoop() async throws {
    try await withLoop { loop in
      try await loop.perform { SignalWatcher.block([SIGUSR1, SIGUSR2]) }
      let told = Record<(signal: Int32, isOnLoop: Bool)>()
      let watcher = try SignalWatcher([SIGUSR1, SIGUSR2], on: loop) { told.append(($0, loop.isCurrent)) }
      try await watcher.start()
      try await loop.perform { _ = pthread_kill(pthread_self(), SIGUSR2) }
      let seen = try await told.atLeast(1)
      #expect(seen.map { $0.signal } == [SIGUSR2])
      try await loop.perform {
        pthread_kill(pthread_self(), SIGUSR1)
        pthread_kill(pthread_self(), SIGUSR2)
      }
      let all = try await told.atLeast(3)
      #expect(Set(all.dropFirst().map { $0.signal }) == [SIGUSR1, SIGUSR2])
      #expect(all.allSatisfy { $0.isOnLoop })
      await watcher.stop()
    }
  }

  @Test func aStoppedWatcherTellsNothingAndItsLoopSleepsThoughASignalWaits() async throws {
    try await withLoop { loop in
      try await loop.perform { SignalWatcher.block([SIGUSR2]) }
      let told = Record<Int32>()
      let watcher = try SignalWatcher([SIGUSR2], on: loop) { told.append($0) }
      try await watcher.start()
      await watcher.stop()
      let turns = Record<Int>()
      let handler = Handler(turned: {
        turns.append(1)
        return nil
      })
      try await loop.perform {
        pthread_kill(pthread_self(), SIGUSR2)
        loop.addTurnHandler(handler)
      }
      try await Task.sleep(nanoseconds: 100_000_000)
      #expect(told.entries.isEmpty)
      #expect(turns.entries.count < 50)
      try await loop.perform { loop.removeTurnHandler(handler) }
      withExtendedLifetime(watcher) {}
    }
  }
}
