import Basics
import Foundation
import Sockets
import TestSupport
import Testing

@testable import Echo
@testable import Gateway

/// The parts of a feed, without a server and with a clock of the test's own.
@Suite struct FeedTests {
  private func time(_ milliseconds: Int) -> MonotonicTime {
    MonotonicTime(nanoseconds: Int64(milliseconds) * 1_000_000)
  }

  private func write(_ count: Int, of size: Int, to log: DatagramLog) {
    let address = SocketAddress("127.0.0.1:9999")!
    log.write { record in
      for number in 0..<count {
        pattern(size + number % 2).withUnsafeBytes { bytes in
          record(
            DatagramNote(
              source: address, destination: address, receivedAt: WallTime(nanoseconds: 0), bytes: bytes, fate: .echoed))
        }
      }
    }
  }

  /// The numbers of the events in some bytes, in their order.
  private func numbers(_ bytes: [UInt8]) -> [UInt64] {
    String(decoding: bytes, as: UTF8.self).matches(of: /id: [0-9a-z]+-([0-9]+)\n/).map { UInt64($0.output.1)! }
  }

  // MARK: Where a feed begins

  @Test func withoutAnIdentifierAFeedBeginsNow() {
    let log = DatagramLog(capacity: 8)
    write(5, of: 1, to: log)
    let start = FeedHub.Start(after: nil, in: log)
    #expect(start.cursor == 5 && start.missed == nil)
  }

  @Test func anIdentifierOfThisProcessIsWhereItGoesOn() {
    let log = DatagramLog(capacity: 8)
    write(20, of: 1, to: log)
    for number: UInt64 in [1, 12, 15, 20] {
      let start = FeedHub.Start(after: log.identifier(of: number), in: log)
      #expect(start.cursor == number && start.missed == nil, "what is gone is found when the log is read")
    }
  }

  @Test func anIdentifierOfAnotherProcessIsAGapAndThenWhatThereIs() {
    let log = DatagramLog(capacity: 8)
    let other = DatagramLog(capacity: 8)
    for (count, gone) in [(0, 0), (3, 0), (20, 15)] as [(Int, UInt64)] {
      write(count, of: 1, to: log)
      for identifier in [other.identifier(of: 0), "e-1", "x", log.identifier(of: log.newest + 1)] {
        let start = FeedHub.Start(after: identifier, in: log)
        #expect(start.cursor == gone && start.missed == gone)
      }
    }
  }

  // MARK: Pieces

  @Test func piecesTellEveryDatagramOnceAndWhatIsGone() throws {
    let log = DatagramLog(capacity: 128)
    var pieces = FeedPieces()
    #expect(pieces.next(after: 0, in: log) == nil)
    write(300, of: 10, to: log)
    var cursor: UInt64 = 40
    var told: [UInt64] = []
    var missed: UInt64 = 0
    while let next = pieces.next(after: cursor, in: log) {
      missed += next.missed
      told += numbers(next.piece.bytes)
      cursor = next.piece.last
      try #require(told.count <= 128)
    }
    #expect(missed == 132 && told == Array(173...300) && cursor == 300)
  }

  @Test func aPieceIsBoundedInBytes() throws {
    let log = DatagramLog()
    write(64, of: 2000, to: log)
    var pieces = FeedPieces()
    var cursor: UInt64 = 0
    while let (_, piece) = pieces.next(after: cursor, in: log) {
      // The longest event: each of the bytes that are kept is an escape of six, or two thirds of a byte's base64.
      #expect(piece.bytes.count < Limits.feedPiece + 6 * Limits.recordedBytes + 2048)
      cursor = piece.last
    }
    #expect(cursor == 64)
  }

  @Test func whatIsNewIsAddedForThoseWhoWaitAtTheSamePlace() {
    let log = DatagramLog()
    var pieces = FeedPieces()
    write(3, of: 1, to: log)
    expect([2, 3], after: 1, of: &pieces, log)
    write(2, of: 1, to: log)
    expect([2, 3, 4, 5], after: 1, of: &pieces, log)
    expect([4, 5], after: 3, of: &pieces, log)
    write(100, of: 1, to: log)
    // Whole, it ends where feeds that began elsewhere end too.
    expect(Array(4...32), after: 3, of: &pieces, log)
    expect([31, 32], after: 30, of: &pieces, log)
  }

  private func expect(
    _ expected: [UInt64], after number: UInt64, of pieces: inout FeedPieces, _ log: DatagramLog,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let told = pieces.next(after: number, in: log).map { numbers($0.piece.bytes) }
    #expect(told == expected, sourceLocation: sourceLocation)
  }

  @Test func readersAtTheSamePlaceShareOnePieceInMemory() {
    let log = DatagramLog()
    write(40, of: 100, to: log)
    var pieces = FeedPieces()
    let first = pieces.next(after: 0, in: log)?.piece.bytes
    let second = pieces.next(after: 0, in: log)?.piece.bytes
    #expect(first?.withUnsafeBytes { $0.baseAddress } == second?.withUnsafeBytes { $0.baseAddress })
    #expect(numbers(first ?? []) == Array(1...32))
  }

  // MARK: Turns

  @Test func aFeedIsCalledWhenSomethingIsNewAndNotBefore() {
    var schedule = FeedSchedule()
    schedule.wait(1, cursor: 5, keepAliveAt: time(15_000))
    schedule.wait(2, cursor: 6, keepAliveAt: time(15_000))
    #expect(schedule.take(newest: 5, at: time(100)).isEmpty)
    #expect(schedule.take(newest: 6, at: time(120)).map(\.feed) == [1])
    #expect(schedule.take(newest: 7, at: time(140)).map(\.feed) == [2])
    #expect(schedule.isEmpty)
  }

  @Test func silenceIsBrokenWhenItsTimeHasCome() {
    var schedule = FeedSchedule()
    schedule.wait(1, cursor: 5, keepAliveAt: time(15_000))
    schedule.wait(2, cursor: 5, keepAliveAt: time(15_020))
    #expect(schedule.take(newest: 5, at: time(14_999)).isEmpty)
    let called = schedule.take(newest: 5, at: time(15_000))
    #expect(called.map(\.feed) == [1] && called[0].call == .keepAlive)
    schedule.hasten(2, to: time(15_001))
    #expect(schedule.take(newest: 5, at: time(15_001)).map(\.feed) == [2])
    schedule.wait(3, cursor: 5, keepAliveAt: time(0))
    guard case .events = schedule.take(newest: 6, at: time(20_000)).first?.call else {
      Issue.record("who has something to say needs no comment")
      return
    }
  }

  @Test func whoIsRemovedIsNotCalled() {
    var schedule = FeedSchedule()
    for feed in 1...3 { schedule.wait(feed, cursor: 0, keepAliveAt: time(0)) }
    schedule.remove(2)
    #expect(schedule.take(newest: 1, at: time(0)).map(\.feed) == [1, 3])
  }

  @Test func manyFeedsGoByTurnsWithinTheBounds() {
    var schedule = FeedSchedule()
    let count = 500
    var cursors = [UInt64](repeating: 0, count: count)
    for feed in 0..<count { schedule.wait(feed, cursor: 0, keepAliveAt: time(1_000_000)) }
    var newest: UInt64 = 0
    for interval in 0..<80 {
      newest += 1000
      let called = schedule.take(newest: newest, at: time(20 * interval))
      #expect(called.count == Limits.feedsPerInterval)
      var bytes = 0
      for (feed, call) in called {
        guard case .events(let share) = call else { continue }
        bytes += share
        cursors[feed] = newest
        schedule.wait(feed, cursor: newest, keepAliveAt: time(1_000_000))
      }
      #expect(bytes <= Limits.feedBytesPerInterval)
    }
    // 80 intervals of 64 feeds: each of 500 has had ten turns, and the last no longer ago than a round takes.
    #expect(cursors.allSatisfy { newest - $0 <= 8 * 1000 })
  }

  // MARK: Places

  @Test func aClientHasEightPlacesAndGetsThemBack() throws {
    let places = FeedPlaces(limit: 100)
    let (client, other) = (IPAddress("127.0.0.2")!, IPAddress("127.0.0.3")!)
    var taken = try (0..<8).map { _ in try places.take(for: client) }
    let problem = #expect(throws: Problem.self) { try places.take(for: client) }
    #expect(problem?.kind == .overloaded && problem?.detail.contains("8 feeds of this address") == true)
    #expect(problem?.fields.contains { $0.name == "Retry-After" } == true)
    _ = try places.take(for: other)
    taken.removeLast()
    #expect(places.count == 7)
    taken.append(try places.take(for: client))
    #expect(places.count == 8)
    taken = []
    #expect(places.count == 0)
  }

  @Test func allClientsTogetherHaveTheLimit() throws {
    let places = FeedPlaces(limit: 1000)
    var taken = try (2...126).flatMap { host in
      try (0..<8).map { _ in try places.take(for: IPAddress("127.0.0.\(host)")!) }
    }
    #expect(taken.count == 1000 && places.count == 1000)
    let problem = #expect(throws: Problem.self) { try places.take(for: IPAddress("127.0.0.1")!) }
    #expect(problem?.kind == .overloaded && problem?.detail.contains("--max-feeds") == true)
    taken.removeFirst()
    _ = try places.take(for: IPAddress("127.0.0.1")!)
  }

  @Test func overIPv6AClientIsItsNetwork() throws {
    let places = FeedPlaces(limit: 100)
    let taken = try (1...8).map { try places.take(for: IPAddress("2001:db8::\($0)")!) }
    #expect(throws: Problem.self) { try places.take(for: IPAddress("2001:db8::ffff")!) }
    _ = try places.take(for: IPAddress("2001:db8:0:1::1")!)
    withExtendedLifetime(taken) {}
  }
}
