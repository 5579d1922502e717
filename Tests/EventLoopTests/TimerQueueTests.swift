import Basics
import EventLoop
import TestSupport
import Testing

@Suite struct TimerQueueTests {
  private func time(_ nanoseconds: Int64) -> MonotonicTime {
    MonotonicTime(nanoseconds: nanoseconds)
  }

  @Test func anEmptyQueueHasNothingDue() {
    var queue = TimerQueue<Int>()
    #expect(queue.count == 0)
    #expect(queue.nextDeadline == nil)
    #expect(queue.popDue(at: time(.max)) == nil)
  }

  @Test func aTimerIsDueAtItsDeadlineAndNotBefore() {
    var queue = TimerQueue<Int>()
    _ = queue.insert(7, at: time(100))
    #expect(queue.popDue(at: time(99)) == nil)
    #expect(queue.nextDeadline == time(100))
    #expect(queue.popDue(at: time(100)) == 7)
    #expect(queue.popDue(at: time(100)) == nil)
  }

  @Test func aStaleIDCancelsNothingNotEvenWhoHasItsPlaceNow() {
    var queue = TimerQueue<String>()
    let first = queue.insert("first", at: time(1))
    #expect(queue.cancel(first) == "first")
    let second = queue.insert("second", at: time(2))
    #expect(first != second)
    #expect(queue.cancel(first) == nil)
    #expect(queue.count == 1)
    #expect(queue.popDue(at: time(2)) == "second")
    #expect(queue.cancel(second) == nil)
    let third = queue.insert("third", at: time(3))
    #expect(queue.cancel(first) == nil && queue.cancel(second) == nil)
    #expect(queue.cancel(third) == "third")
  }

  @Test func elementsAreLetGoWhenTheyFireOrAreCancelled() {
    final class Element {}
    var queue = TimerQueue<Element>()
    var element: Element? = Element()
    weak let cancelled = element
    let id = queue.insert(element!, at: time(1))
    element = Element()
    weak let fired = element
    _ = queue.insert(element!, at: time(2))
    element = nil
    #expect(cancelled != nil && fired != nil)
    queue.cancel(id)
    #expect(cancelled == nil)
    _ = queue.popDue(at: time(2))
    #expect(fired == nil)
  }

  @Test func manyFireInOrder() {
    var random = SeededGenerator(seed: 3)
    var queue = TimerQueue<Int64>()
    let deadlines = (0..<5000).map { _ in Int64.random(in: 0..<1000, using: &random) }
    for deadline in deadlines { _ = queue.insert(deadline, at: time(deadline)) }
    #expect(queue.count == deadlines.count)
    var fired: [Int64] = []
    while let deadline = queue.popDue(at: time(.max)) { fired.append(deadline) }
    #expect(fired == deadlines.sorted())
  }

  @Test(arguments: 1...4)
  func randomOperationsGoAsInANaiveModel(seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed))
    var pair = ModelledQueue()
    for step in 0..<25_000 {
      // Growing and shrinking in turn, so that the heap is deep at times and empty at others.
      let isGrowing = step / 500 % 2 == 0
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<(isGrowing ? 5 : 2): pair.insert(at: Int64.random(in: 0..<2000, using: &random))
      case ..<7: try pair.cancelSome(using: &random)
      case 7: try pair.cancelStale(using: &random)
      default: try pair.popDue(at: Int64.random(in: 0..<(isGrowing ? 300 : 2000), using: &random))
      }
      try pair.check()
    }
    while try pair.popDue(at: .max) {}
    try pair.check()
    #expect(pair.queue.count == 0)
  }
}

/// The queue, and beside it what is so simple that it must be right.
private struct ModelledQueue {
  var queue = TimerQueue<Int>()
  private var waiting: [(id: TimerQueue<Int>.ID, element: Int, deadline: Int64)] = []
  private var stale: [TimerQueue<Int>.ID] = []
  private var made = 0

  mutating func insert(at deadline: Int64) {
    made += 1
    let id = queue.insert(made, at: MonotonicTime(nanoseconds: deadline))
    waiting.append((id, made, deadline))
  }

  mutating func cancelSome(using random: inout SeededGenerator) throws {
    guard let index = waiting.indices.randomElement(using: &random) else { return }
    let timer = waiting.remove(at: index)
    let cancelled = queue.cancel(timer.id)
    try #require(cancelled == timer.element)
    stale.append(timer.id)
  }

  mutating func cancelStale(using random: inout SeededGenerator) throws {
    guard let id = stale.randomElement(using: &random) else { return }
    let cancelled = queue.cancel(id)
    try #require(cancelled == nil)
  }

  @discardableResult
  mutating func popDue(at time: Int64) throws -> Bool {
    let first = waiting.map(\.deadline).min()
    guard let element = queue.popDue(at: MonotonicTime(nanoseconds: time)) else {
      try #require(first.map { $0 > time } ?? true)
      return false
    }
    let index = try #require(waiting.firstIndex { $0.element == element })
    try #require(waiting[index].deadline == first && first! <= time)
    stale.append(waiting.remove(at: index).id)
    return true
  }

  func check() throws {
    try #require(queue.count == waiting.count)
    try #require(queue.nextDeadline?.nanoseconds == waiting.lazy.map(\.deadline).min())
  }
}
