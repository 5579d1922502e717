import Basics
import EventLoop
import Foundation
import Synchronization
import Testing

/// Tasks and actors stay on their loop whatever they wait for.
@Suite struct ExecutorTests {
  @Test func anActorOfTheLoopStaysThereThroughEveryKindOfAwait() async throws {
    try await withLoop { loop in
      let thread = try await loop.perform { currentThread() }
      let threads = await Resident(of: loop).threadsSeen()
      #expect(threads.count == 7)
      #expect(Set(threads) == [thread])
    }
  }

  @Test func aTaskThatPrefersTheLoopNeverLeavesIt() async throws {
    try await withLoop { loop in
      let thread = try await loop.perform { currentThread() }
      let threads = await Task(executorPreference: loop) { await wander() }.value
      #expect(Set(threads) == [thread])
    }
  }

  @Test func aThousandTasksAndTheirChildrenRunOnOneThread() async throws {
    try await withLoop { loop in
      let thread = try await loop.perform { currentThread() }
      let record = Record<UInt>()
      let tasks = (0..<500).map { _ in
        Task(executorPreference: loop) {
          await withTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
              group.addTask {
                await Task.yield()
                record.append(currentThread())
              }
            }
          }
          record.append(currentThread())
        }
      }
      for task in tasks { await task.value }
      #expect(record.entries.count == 1500)
      #expect(Set(record.entries) == [thread])
    }
  }

  @Test func stateOfAnActorIsTouchedByOneAtATime() async throws {
    try await withLoop { loop in
      let resident = Resident(of: loop)
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<8 { group.addTask { for _ in 0..<200 { await resident.count() } } }
      }
      #expect(await resident.counted == 1600)
    }
  }

  @Test func anActorIsEnteredWithoutWaitingByWhoIsOnItsLoop() async throws {
    try await withLoop { loop in
      let resident = Resident(of: loop)
      let counted = try await loop.perform {
        resident.assumeIsolated { resident in
          resident.count()
          return resident.counted
        }
      }
      #expect(counted == 1)
    }
  }

  @Test func jobsRunInTheOrderInWhichTheyWereEnqueued() async throws {
    try await withLoop { loop in
      let record = Record<Int>()
      loop.submit {
        for index in 0..<100 { Task(executorPreference: loop) { record.append(index) } }
      }
      let seen = try await record.atLeast(100)
      #expect(seen == Array(0..<100))
    }
  }

  @Test func jobsAreRunToTheLastByWhoeverAsks() async throws {
    try await withLoop { loop in
      let record = Record<String>()
      let seen = try await loop.perform {
        Task(executorPreference: loop) {
          record.append("outer begins")
          Task(executorPreference: loop) { record.append("inner") }
          loop.runJobs()
          record.append("outer ends")
        }
        loop.runJobs()
        return record.entries
      }
      #expect(seen == ["outer begins", "inner", "outer ends"])
      #expect(record.entries == seen)
    }
  }

  @Test func jobsFromManyThreadsAreNeverLost() async throws {
    try await withLoop { loop in
      let resident = Resident(of: loop)
      for _ in 0..<50 {
        // Each round lets the loop fall asleep, so that every wake-up counts.
        try await Task.sleep(nanoseconds: 200_000)
        async let one: Void = resident.count()
        async let two: Void = resident.count()
        _ = await (one, two)
      }
      #expect(await resident.counted == 100)
    }
  }

  @Test func anActorHopsBetweenLoops() async throws {
    try await withLoop { here in
      try await withLoop { there in
        let far = Resident(of: there)
        let threads = await Task(executorPreference: here) {
          var threads: [Bool] = []
          for _ in 0..<50 {
            threads.append(here.isCurrent)
            threads.append(await far.isHome())
          }
          return threads
        }.value
        #expect(threads.allSatisfy { $0 })
      }
    }
  }
}

/// An actor whose executor is a loop.
private actor Resident {
  private nonisolated let loop: EventLoop
  private(set) var counted = 0

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.serialExecutor }

  init(of loop: EventLoop) {
    self.loop = loop
  }

  func count() {
    counted += 1
  }

  func isHome() -> Bool {
    loop.isCurrent
  }

  func threadsSeen() async -> [UInt] {
    await wander()
  }
}

/// The threads on which a function finds itself between its awaits.
private func wander() async -> [UInt] {
  var threads = [currentThread()]
  await Task.yield()
  threads.append(currentThread())
  try? await Task.sleep(nanoseconds: 1_000_000)
  threads.append(currentThread())
  await withCheckedContinuation { continuation in
    DispatchQueue.global().async { continuation.resume() }
  }
  threads.append(currentThread())
  _ = await Task.detached { 1 }.value
  threads.append(currentThread())
  let (stream, source) = AsyncStream.makeStream(of: Int.self)
  DispatchQueue.global().async {
    source.yield(1)
    source.finish()
  }
  for await _ in stream { threads.append(currentThread()) }
  threads.append(currentThread())
  return threads
}
