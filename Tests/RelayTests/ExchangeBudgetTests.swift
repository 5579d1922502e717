import TestSupport
import Foundation
@testable import Relay
import Synchronization
import Testing

@Suite struct ExchangeBudgetTests {
  @Test func asManyAsTheLimitMayBeginAndNoMore() {
    let budget = ExchangeBudget(limit: 3)
    #expect((0..<3).allSatisfy { _ in budget.begin() })
    #expect(!budget.begin())
    #expect(budget.inFlight == 3)
    budget.end()
    #expect(budget.begin())
    #expect(!budget.begin())
  }

  @Test func aRefusedExchangeTakesNoPlace() {
    let budget = ExchangeBudget(limit: 1)
    #expect(budget.begin())
    for _ in 0..<100 { #expect(!budget.begin()) }
    #expect(budget.inFlight == 1)
    budget.end()
    #expect(budget.inFlight == 0)
    #expect(budget.begin())
  }

  @Test func retiredSocketsUpToTheLimitCostNothing() {
    let budget = ExchangeBudget(limit: 4)
    for _ in 0..<4 { budget.retire() }
    #expect(budget.retiredSockets == 4)
    #expect((0..<4).allSatisfy { _ in budget.begin() })
    #expect(!budget.begin())
  }

  @Test func retiredSocketsPastTheLimitCountAsInFlight() {
    let budget = ExchangeBudget(limit: 4)
    for _ in 0..<7 { budget.retire() }
    #expect(budget.begin())
    #expect(!budget.begin(), "three of four places are taken by sockets that are held")
    budget.unretire()
    #expect(budget.begin())
    #expect(!budget.begin())
    #expect(budget.inFlight == 2, "what is held is not in flight")
  }

  @Test func inFlightAndRetiredTogetherNeverExceedTwiceTheLimit() {
    var random = SeededGenerator(seed: 11)
    let budget = ExchangeBudget(limit: 10)
    for _ in 0..<20_000 {
      switch Int.random(in: 0..<5, using: &random) {
      case 0, 1: _ = budget.begin()
      case 2 where budget.inFlight > 0: budget.end()
      case 3 where budget.inFlight > 0:  // What began may end in a retired socket.
        budget.end()
        budget.retire()
      case 4 where budget.retiredSockets > 0: budget.unretire()
      default: break
      }
      #expect(budget.inFlight + budget.retiredSockets <= 20)
      #expect(budget.inFlight <= 10)
    }
  }

  @Test func manyThreadsTogetherNeverHaveMoreThanTheLimit() {
    let budget = ExchangeBudget(limit: 5)
    let held = Atomic(0)
    let isExceeded = Atomic(false)
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      for _ in 0..<20_000 where budget.begin() {
        if held.add(1, ordering: .relaxed).newValue > 5 { isExceeded.store(true, ordering: .relaxed) }
        held.subtract(1, ordering: .relaxed)
        budget.end()
      }
    }
    let wasExceeded = isExceeded.load(ordering: .relaxed)
    #expect(!wasExceeded)
    #expect(budget.inFlight == 0)
  }
}
