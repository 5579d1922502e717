import Basics
import EventLoop
import Glibc
import Sockets
import SystemPackage
import Testing

@Suite struct RegistrationTests {
  @Test func aReadyDescriptorIsToldWithItsTokenOnTheLoop() async throws {
    try await withLoop { loop in
      let pipe = try Pipe()
      let record = Record<(readiness: Readiness, token: Int, isOnLoop: Bool)>()
      let handler = Handler(ready: { readiness, token in
        record.append((readiness, token, loop.isCurrent))
        pipe.empty()
      })
      _ = try await loop.perform { try loop.register(pipe.reading, for: .readable, handler: handler, token: 42) }
      #expect(record.entries.isEmpty)
      pipe.fill()
      let told = try await record.atLeast(1)
      #expect(told[0].readiness.contains(.readable) && told[0].token == 42 && told[0].isOnLoop)
      pipe.fill()
      _ = try await record.atLeast(2)
    }
  }

  /// Both are ready in one wait; whichever is told first removes the other, whose event is fetched already.
  @Test(arguments: [false, true])
  func anEventFetchedBeforeItsRegistrationWasRemovedIsNotDelivered(placeIsTakenAgain: Bool) async throws {
    try await withLoop { loop in
      let pipes = try (0..<2).map { _ in try Pipe() }
      let newcomer = try Pipe()
      let registrations = Record<Registration>()
      let told = Record<Int>()
      let stranger = Handler(ready: { _, token in told.append(token) })
      let handler = Handler(ready: { _, token in
        told.append(token)
        for pipe in pipes { pipe.empty() }
        loop.deregister(registrations.entries[1 - token])
        // The place that was given up is the next to be taken.
        if placeIsTakenAgain { _ = try! loop.register(newcomer.reading, for: .readable, handler: stranger, token: 99) }
      })
      try await loop.perform {
        for (token, pipe) in pipes.enumerated() {
          registrations.append(try loop.register(pipe.reading, for: .readable, handler: handler, token: token))
        }
        for pipe in pipes { pipe.fill() }
      }
      _ = try await told.atLeast(1)
      // Two more turns: what was to come has come.
      for _ in 0..<2 { try await loop.perform {} }
      #expect(told.entries.count == 1)
      #expect(!told.entries.contains(99))
    }
  }

  @Test func aClosedDescriptorsNumberServesItsNextOwnerAlone() async throws {
    try await withLoop { loop in
      let told = Record<String>()
      let first = try Pipe()
      let number = dup(first.reading)
      let old = Handler(ready: { _, _ in told.append("old") })
      let registration = try await loop.perform { try loop.register(number, for: .readable, handler: old) }
      let second = try Pipe()
      let new = Handler(ready: { _, _ in
        told.append("new")
        second.empty()
      })
      try await loop.perform {
        loop.deregister(registration)
        // The number now names the second pipe; the first one's registration is gone with its last descriptor.
        dup2(second.reading, number)
        _ = try loop.register(number, for: .readable, handler: new)
      }
      second.fill()
      _ = try await told.atLeast(1)
      #expect(told.entries.allSatisfy { $0 == "new" })
      try await loop.perform { _ = close(number) }
    }
  }

  @Test func whatIsWaitedForCanBeChanged() async throws {
    try await withLoop { loop in
      let pipe = try Pipe()
      let told = Record<Readiness>()
      let handler = Handler(ready: { readiness, _ in
        told.append(readiness)
        pipe.empty()
      })
      pipe.fill()
      let registration = try await loop.perform { try loop.register(pipe.reading, for: [], handler: handler) }
      for _ in 0..<3 { try await loop.perform {} }
      #expect(told.entries.isEmpty)
      try await loop.perform { try loop.reregister(registration, pipe.reading, for: .readable) }
      let seen = try await told.atLeast(1)
      #expect(seen.first?.contains(.readable) == true)
    }
  }

  @Test func edgesAreToldOnceAndLevelsAgainAndAgain() async throws {
    try await withLoop { loop in
      let pipes = try (0..<2).map { _ in try Pipe() }
      let told = Record<Int>()
      let handler = Handler(ready: { _, token in told.append(token) })
      try await loop.perform {
        _ = try loop.register(pipes[0].reading, for: [.readable, .edgeTriggered], handler: handler, token: 0)
        _ = try loop.register(pipes[1].reading, for: .readable, handler: handler, token: 1)
        for pipe in pipes { pipe.fill() }
      }
      try await waitUntil { told.entries.filter { $0 == 1 }.count >= 5 }
      #expect(told.entries.filter { $0 == 0 }.count == 1)
      try await loop.perform { pipes[1].empty() }
    }
  }

  @Test func hangUpsAreToldUnasked() async throws {
    try await withLoop { loop in
      let pipe = try Pipe()
      let writing = dup(pipe.writing)
      let told = Record<Readiness>()
      let reading = dup(pipe.reading)
      let handler = Handler(ready: { readiness, _ in
        told.append(readiness)
        close(writing)
      })
      _ = try await loop.perform {
        try loop.register(writing, for: [.edgeTriggered], handler: handler)
      }
      // The last reader goes: whoever writes is told of an error.
      dup2(pipe.writing, pipe.reading)
      close(reading)
      let seen = try await told.atLeast(1)
      #expect(seen.first?.contains(.error) == true)
    }
  }

  @Test func aDescriptorThatCannotBeWatchedIsAnErrorAndItsPlaceIsNotLost() async throws {
    try await withLoop { loop in
      let pipe = try Pipe()
      let told = Record<Int>()
      let handler = Handler(ready: { _, token in
        told.append(token)
        pipe.empty()
      })
      try await loop.perform {
        let first = try loop.register(pipe.reading, for: .readable, handler: handler, token: 1)
        for _ in 0..<3 {
          let error = #expect(throws: SocketError.self) {
            try loop.register(pipe.reading, for: .readable, handler: handler, token: 2)
          }
          #expect(error == SocketError(.epoll_ctl, .fileExists))
        }
        pipe.fill()
        _ = first
      }
      let seen = try await told.atLeast(1)
      #expect(seen == [1])
    }
  }
}
