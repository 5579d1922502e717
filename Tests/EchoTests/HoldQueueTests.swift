import Basics
import TestSupport
import Testing

@testable import Echo

/// A queue with times in milliseconds; an expectation cannot change a value.
private final class Bench<Element> {
  private(set) var queue: HoldQueue<Element>

  init(_ queue: HoldQueue<Element> = HoldQueue()) {
    self.queue = queue
  }

  @discardableResult
  func insert(_ element: Element, bytes: Int = 1, due: Int = 0, transmission: Nanoseconds? = nil) -> Bool {
    queue.insert(element, bytes: bytes, due: time(due), transmission: transmission)
  }

  /// All that leaves by a time, and what the link refuses.
  func departures(by milliseconds: Int) -> (left: [Element], refused: [Element]) {
    var all: (left: [Element], refused: [Element]) = ([], [])
    while let departure = queue.next(by: time(milliseconds)) {
      switch departure {
      case .leaves(let element): all.left.append(element)
      case .refused(let element): all.refused.append(element)
      }
    }
    return all
  }

  func renewLink() {
    queue.renewLink()
  }

  func removeAll() -> Int {
    queue.removeAll()
  }
}

private func time(_ milliseconds: Int) -> MonotonicTime {
  MonotonicTime(nanoseconds: 0) + .milliseconds(milliseconds)
}

/// What is held back leaves in order, within its bounds; the clock is the test's.
@Suite struct HoldQueueTests {
  @Test func fiftyThousandLeaveInTheOrderOfTheirTimes() throws {
    var generator = SeededGenerator(seed: 1)
    let bench = Bench<(due: Int, number: Int)>()
    for number in 0..<50_000 {
      // Few times for many: most are due together with others.
      let due = Int.random(in: 0..<5000, using: &generator)
      try #require(bench.insert((due, number), bytes: 100, due: due))
    }
    #expect(bench.queue.count == 50_000 && bench.queue.bytes == 5_000_000)
    var left: [(due: Int, number: Int)] = []
    for now in stride(from: 0, to: 5000, by: 7) {
      let departed = bench.departures(by: now).left
      #expect(departed.allSatisfy { $0.due <= now && $0.due > now - 7 })
      left += departed
      #expect(bench.queue.nextDue.map { $0 > time(now) } ?? true)
    }
    left += bench.departures(by: 5000).left
    #expect(left.count == 50_000 && bench.queue.count == 0 && bench.queue.bytes == 0 && bench.queue.nextDue == nil)
    #expect(zip(left, left.dropFirst()).allSatisfy { ($0.due, $0.number) < ($1.due, $1.number) })
  }

  @Test func bothBoundsHold() {
    let few = Bench<Int>(HoldQueue(capacity: 3, byteCapacity: 1000))
    #expect((0..<5).map { few.insert($0, bytes: 0) }.count { $0 } == 3)
    #expect(few.departures(by: 0).left == [0, 1, 2])
    #expect(few.insert(5, bytes: 0))
    let small = Bench<Int>(HoldQueue(capacity: 1000, byteCapacity: 250))
    #expect((0..<5).map { small.insert($0, bytes: 100) }.count { $0 } == 2)
    #expect(small.insert(5, bytes: 50))
    #expect(!small.insert(6, bytes: 1))
    #expect(small.departures(by: 0).left.count == 3)
    #expect(small.insert(7, bytes: 100))
    #expect(small.removeAll() == 1 && small.queue.bytes == 0 && small.queue.count == 0)
  }

  @Test func theLinkSendsOneAfterAnother() {
    let bench = Bench<Int>()
    for number in 0..<10 {
      bench.insert(number, transmission: .milliseconds(1))
    }
    for now in 0...10 {
      #expect(bench.departures(by: now).left == (now == 0 ? [] : [now - 1]))
    }
    // An idle link begins when something comes.
    bench.insert(10, due: 20, transmission: .milliseconds(1))
    #expect(bench.departures(by: 20).left.isEmpty)
    #expect(bench.queue.nextDue == time(21))
    #expect(bench.departures(by: 21).left == [10])
  }

  /// That the clock was looked at late takes nothing from the rate.
  @Test func aLateTimerDoesNotSlowTheLink() {
    let bench = Bench<Int>()
    for number in 0..<1000 {
      bench.insert(number, due: 5, transmission: .milliseconds(1))
    }
    #expect(bench.departures(by: 505).left == Array(0..<500))
    #expect(bench.departures(by: 1005).left == Array(500..<1000))
  }

  /// What went past the delay pays the rate too; what is delayed less comes to the link first.
  @Test func theLinkIsBehindTheDelay() {
    let bench = Bench<String>()
    bench.insert("delayed", due: 10, transmission: .milliseconds(2))
    bench.insert("reordered", transmission: .milliseconds(2))
    #expect(bench.departures(by: 1).left.isEmpty)
    #expect(bench.departures(by: 2).left == ["reordered"])
    #expect(bench.departures(by: 11).left.isEmpty)
    #expect(bench.departures(by: 12).left == ["delayed"])
  }

  @Test func aLinkHasABoundedQueue() {
    let bench = Bench<Int>()
    for number in 0..<100 { bench.insert(number, transmission: .seconds(1)) }
    let (left, refused) = bench.departures(by: 200_000)
    #expect(left == Array(0...60) && refused == Array(61..<100))
    #expect(bench.queue.count == 0 && bench.queue.bytes == 0)
  }

  /// What waits for the old link leaves as was decided; the new one owes nothing.
  @Test func aRenewedLinkBeginsIdle() {
    let bench = Bench<Int>()
    for number in 0..<3 { bench.insert(number, transmission: .seconds(1)) }
    #expect(bench.departures(by: 0).left.isEmpty)
    bench.renewLink()
    bench.insert(3, transmission: .milliseconds(1))
    #expect(bench.departures(by: 1).left == [3])
    #expect(bench.departures(by: 3000).left == [0, 1, 2])
  }
}
