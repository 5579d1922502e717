import Basics
import EventLoop
import Foundation
import Glibc
import Sockets
import Testing

@Suite struct LoopThreadTests {
  @Test func whatOthersSubmitRunsOnTheLoopInTheirOrder() async throws {
    try await withLoop { loop in
      let record = Record<(sender: Int, index: Int, isOnLoop: Bool)>()
      await withTaskGroup(of: Void.self) { group in
        for sender in 0..<4 {
          group.addTask {
            for index in 0..<500 { loop.submit { record.append((sender, index, loop.isCurrent)) } }
          }
        }
      }
      let entries = try await record.atLeast(2000)
      #expect(entries.allSatisfy { $0.isOnLoop })
      for sender in 0..<4 {
        #expect(entries.filter { $0.sender == sender }.map { $0.index } == Array(0..<500))
      }
    }
  }

  @Test func whatTheLoopSubmitsToItselfRunsInALaterTurn() async throws {
    try await withLoop { loop in
      let record = Record<Int>()
      loop.submit {
        loop.submit { record.append(2) }
        record.append(1)
      }
      let seen = try await record.atLeast(2)
      #expect(seen == [1, 2])
    }
  }

  @Test func nobodyElseIsOnTheLoop() async throws {
    try await withLoop { loop in
      #expect(!loop.isCurrent)
      let isThere = try await loop.perform { loop.isCurrent }
      #expect(isThere)
      try await withLoop { other in
        let isOnTheOther = try await other.perform { !loop.isCurrent && other.isCurrent }
        #expect(isOnTheOther)
      }
    }
  }

  @Test func whatWasSubmittedBeforeTheLoopTurnsOrStopsIsDone() throws {
    let loop = try EventLoop(name: "early")
    let record = Record<Int>()
    for index in 0..<3 { loop.submit { record.append(index) } }
    loop.stop()
    loop.submit { record.append(3) }
    let thread = Thread { loop.run() }
    thread.start()
    while !thread.isFinished { usleep(1000) }
    #expect(record.entries == [0, 1, 2, 3])
  }

  @Test func jobsOfTheLastTurnAreRunBeforeTheLoopEnds() throws {
    let thread = try LoopThread(name: "last")
    let loop = thread.loop
    let record = Record<String>()
    loop.submit {
      loop.stop()
      Task(executorPreference: loop) {
        record.append("job")
        await Task.yield()
        record.append("rest")
      }
    }
    thread.join()
    #expect(record.entries == ["job", "rest"])
  }

  @Test func aStoppedLoopIsLetGo() throws {
    weak var loop: EventLoop?
    do {
      let thread = try LoopThread(name: "gone")
      loop = thread.loop
      thread.loop.stop()
      thread.join()
    }
    #expect(loop == nil)
  }

  @Test func aLoopThatIsStoppedTwiceOrNeverRanIsLetGoToo() throws {
    weak var twice: EventLoop?
    weak var never: EventLoop?
    do {
      let thread = try LoopThread(name: "twice")
      twice = thread.loop
      thread.loop.stop()
      thread.join()
      thread.loop.stop()
      let loop = try EventLoop(name: "never")
      never = loop
      loop.stop()
    }
    #expect(twice == nil)
    #expect(never == nil)
  }

  @Test func itsThreadBearsItsNameCutToWhatLinuxTakes() async throws {
    let thread = try LoopThread(name: "abcdefghijklmnopqrst")
    let comm = try await thread.loop.perform { try String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8) }
    #expect(comm == "abcdefghijklmno\n")
    thread.loop.stop()
    thread.join()
  }

  @Test func aBlockedLoopShowsAndAnIdleOneKeepsTurning() async throws {
    try await withLoop { loop in
      let gate = await loop.stand()
      try await waitUntil { loop.sinceLastTurn > .milliseconds(1100) }
      gate.signal()
      try await waitUntil { loop.sinceLastTurn < .milliseconds(500) }
      // Nothing happens from here on, and still it turns at least once in a while.
      try await waitUntil { loop.sinceLastTurn > .milliseconds(600) }
      try await waitUntil { loop.sinceLastTurn < .milliseconds(500) }
      #expect(loop.sinceLastTurn < Limits.unhealthyAfter)
    }
  }

  @Test func loopsCloseTheirDescriptors() async {
    await #expect(processExitsWith: .success) {
      for round in 0..<2 {
        let before = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
        for _ in 0..<100 {
          let thread = try LoopThread(name: "short")
          thread.loop.submit {}
          thread.loop.stop()
          thread.join()
        }
        let after = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
        if round > 0 { precondition(after == before, "\(after) descriptors instead of \(before)") }
      }
    }
  }
}
