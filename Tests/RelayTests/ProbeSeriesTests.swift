import Basics
import Relay
import Sockets
import Testing

@Suite struct ProbeSeriesTests {
  @Test func aReplyIsToldWithItsRoundTripAndLength() {
    var bench = SeriesBench()
    bench.send(2)
    let line = bench.receive(bench.datagram(2), at: 30)
    #expect(line?.number == 2 && line?.fate == .reply)
    #expect(line?.roundTrip == .milliseconds(30) && line?.bytes == 64)
    #expect(bench.series.summary.received == 1 && bench.series.undecided == 1 && bench.isBalanced)
  }

  @Test func whatIsSilentIsLostAtItsDeadlineAndNotBefore() {
    var bench = SeriesBench()
    bench.send()
    bench.send(at: 10)
    #expect(bench.series.nextDeadline == SeriesBench.time(100))
    #expect(bench.expire(at: 99).isEmpty)
    #expect(bench.expire(at: 100) == [1])
    #expect(bench.series.nextDeadline == SeriesBench.time(110))
    #expect(bench.expire(at: 200) == [2])
    #expect(bench.series.nextDeadline == nil)
    #expect(bench.series.summary.lost == 2 && bench.isBalanced)
  }

  @Test func aReplyAtTheDeadlineIsInTimeAndOneAfterItIsLate() {
    var bench = SeriesBench()
    bench.send(2)
    #expect(bench.receive(1, at: 100) == .reply)
    #expect(bench.receive(2, at: 101) == .late)
    #expect(bench.series.summary.late == 1 && bench.series.undecided == 0 && bench.isBalanced)
  }

  @Test func aLateReplyTakesTheLossBackAndACopyOfItIsADuplicate() {
    var bench = SeriesBench()
    bench.send()
    #expect(bench.expire(at: 100) == [1])
    #expect(bench.receive(1, at: 150) == .late)
    #expect(bench.receive(1, at: 160) == .duplicate)
    #expect(bench.series.summary.lost == 0 && bench.series.summary.late == 1)
    #expect(bench.series.summary.duplicates == 1 && bench.isBalanced)
    // What is late says nothing of the round trips in time.
    #expect(bench.series.summary.roundTrips.count == 0)
  }

  @Test func whatComesAfterTheDeadlineIsLateWhateverItHolds() {
    var bench = SeriesBench()
    bench.send()
    _ = bench.expire(at: 100)
    #expect(bench.receive(1, flipped: 300, at: 150) == .late)
    #expect(bench.series.summary.corrupted == 0 && bench.isBalanced)
  }

  @Test func theFirstCopyDecidesAndACleanSecondOneIsADuplicate() {
    var bench = SeriesBench()
    bench.send(2)
    #expect(bench.receive(1, flipped: 0, at: 10) == .corrupted)
    #expect(bench.receive(1, at: 11) == .duplicate)
    #expect(bench.receive(2, at: 12) == .reply)
    #expect(bench.receive(2, flipped: 500, at: 13) == .duplicate)
    let summary = bench.series.summary
    #expect((summary.corrupted, summary.received, summary.duplicates) == (1, 1, 2))
    #expect(bench.isBalanced)
  }

  @Test func anotherLengthIsCorrupted() {
    var bench = SeriesBench()
    bench.send(2)
    let datagram = bench.datagram(1)
    #expect(bench.receive(Array(datagram.prefix(40)), at: 1)?.bytes == 40)
    #expect(bench.receive(bench.datagram(2) + [0], at: 1)?.fate == .corrupted)
    #expect(bench.series.summary.corrupted == 2)
  }

  @Test func whatHasNoNumberOrOneThatWasNotSentIsUnmatched() {
    var bench = SeriesBench()
    bench.send()
    #expect(bench.receive([], at: 1) == nil)
    #expect(bench.receive(Array("hello".utf8), at: 1) == nil)
    #expect(bench.receive([UInt8](repeating: 7, count: 64), at: 1) == nil)
    #expect(bench.receive(0, at: 1) == nil)
    #expect(bench.receive(2, at: 1) == nil)
    #expect(bench.series.summary.unmatched == 5 && bench.series.undecided == 1)
  }

  @Test func onlyFirstCopiesBelowTheHighestSeenAreReordered() {
    var bench = SeriesBench()
    bench.send(5)
    for number in [1, 3, 2, 2, 5, 4, 3] as [UInt64] { _ = bench.receive(number, at: 10) }
    #expect(bench.series.summary.reordered == 2)
    #expect(bench.series.summary.duplicates == 2)
  }
}

/// Errors, and what they are laid to.
@Suite struct ProbeErrorTests {
  @Test func anErrorIsLaidToTheDatagramThatItQuotes() {
    var bench = SeriesBench()
    bench.send(3)
    let line = bench.report(quoting: bench.datagram(2))
    #expect(line?.number == 2 && line?.fate == .unreachable && line?.error == .refused)
    #expect(bench.series.undecided == 2 && bench.isBalanced)
    // Told twice, it decides nothing more.
    #expect(bench.report(quoting: bench.datagram(2)) == nil)
    #expect(bench.expire(at: 100) == [1, 3])
  }

  @Test func withoutAQuoteItIsTheFirstUndecided() {
    var bench = SeriesBench()
    bench.send(3)
    _ = bench.receive(1, at: 1)
    #expect(bench.report(quoting: [])?.number == 2)
    #expect(bench.report(quoting: Array(bench.datagram(3).prefix(7)))?.number == 3)
    #expect(bench.report(quoting: []) == nil)
    #expect(bench.isBalanced)
  }

  @Test func anotherSeriesErrorDecidesNothing() {
    var bench = SeriesBench()
    bench.send()
    var other = [UInt8](repeating: 0, count: 64)
    ProbePayload(size: 64, tag: 1).write(1, into: &other)
    #expect(bench.report(quoting: other) == nil)
    #expect(bench.series.undecided == 1)
  }

  @Test func anErrorThatSaysNothingOfTheReachDecidesNothing() {
    var bench = SeriesBench()
    bench.send()
    #expect(bench.report(ReportedError(errno: .messageTooLong), quoting: bench.datagram(1)) == nil)
    #expect(bench.series.undecided == 1)
  }

  @Test func aReplyIsBetterEvidenceThanAnError() {
    var bench = SeriesBench()
    bench.send(3)
    for number in 1...3 as ClosedRange<UInt64> { _ = bench.report(quoting: bench.datagram(number)) }
    #expect(bench.receive(1, at: 50) == .reply)
    #expect(bench.receive(2, flipped: 200, at: 50) == .corrupted)
    #expect(bench.receive(3, at: 150) == .late)
    #expect(bench.series.summary.unreachable == 0 && bench.isBalanced)
  }

  @Test func anErrorAfterTheDeadlineOrTheReplyChangesNothing() {
    var bench = SeriesBench()
    bench.send(2)
    _ = bench.receive(2, at: 5)
    _ = bench.expire(at: 100)
    #expect(bench.report(quoting: bench.datagram(1)) == nil)
    #expect(bench.report(quoting: bench.datagram(2)) == nil)
    #expect(bench.series.summary.lost == 1 && bench.series.summary.received == 1)
  }

  @Test func whatTheKernelRefusesToSendIsUnreachableAndCounted() {
    var bench = SeriesBench()
    let refusal = ReportedError(errno: .networkUnreachable)
    #expect(bench.series.refused(refusal, at: SeriesBench.time(0)).number == 1)
    bench.send()
    #expect(bench.receive(2, at: 1) == .reply)
    let summary = bench.series.summary
    #expect(summary.sent == 2 && summary.unreachable == 1 && bench.isBalanced)
    #expect(summary.lossMillipercent == 50_000)
  }
}

/// The end, clocks that are set, and memory.
@Suite struct ProbeBookTests {
  @Test func whatIsUndecidedAtAnEarlyEndIsInNoFate() {
    var bench = SeriesBench()
    bench.send(3)
    _ = bench.receive(1, at: 1)
    bench.series.end(isComplete: true, droppedHere: 4)
    let summary = bench.series.summary
    #expect(summary.sent == 1 && summary.undecided == 2 && !summary.isComplete && summary.droppedHere == 4)
  }

  @Test func nothingSentIsNoLossAndNoRoundTrip() {
    var bench = SeriesBench()
    bench.series.end(isComplete: false, droppedHere: 0)
    #expect(bench.series.summary.lossMillipercent == nil)
    #expect(bench.series.summary.roundTrips.mean == nil)
  }

  @Test func anArrivalBeforeItsSendIsTakenAsOfWhenItWasRead() {
    var bench = SeriesBench()
    bench.send()
    let line = bench.datagram(1).withUnsafeBytes {
      bench.series.received($0, at: MonotonicTime(nanoseconds: .min), readAt: SeriesBench.time(20))
    }
    #expect(line?.roundTrip == .milliseconds(20) && line?.fate == .reply)
  }

  @Test func theOldestAreForgottenButNoneThatIsUndecided() {
    var bench = SeriesBench(remembered: 10)
    bench.send(100)
    for number in 2...100 as ClosedRange<UInt64> { #expect(bench.receive(number, at: 1) == .reply) }
    // Everything since the first is remembered for its sake.
    #expect(bench.receive(2, at: 2) == .duplicate)
    #expect(bench.receive(1, at: 3) == .reply)
    #expect(bench.receive(2, at: 4) == nil)
    #expect(bench.series.summary.unmatched == 1)
    #expect(bench.receive(95, at: 4) == .duplicate)
    #expect(bench.series.summary.received == 100 && bench.isBalanced)
  }

  @Test func jitterIsOfConsecutiveNumbersWhateverTheirOrder() {
    var bench = SeriesBench(remembered: 2)
    bench.send(5)
    for (number, milliseconds) in [(2, 20), (1, 10), (5, 50), (4, 45)] as [(UInt64, Int)] {
      _ = bench.receive(number, at: milliseconds)
    }
    // |20 − 10| and |50 − 45|; the third is missing.
    #expect(bench.series.summary.roundTrips.jitter == Nanoseconds(7_500_000))
    #expect(bench.receive(3, at: 60) == .reply)
    // With |60 − 20| and |45 − 60|.
    #expect(bench.series.summary.roundTrips.jitter == Nanoseconds(17_500_000))
  }
}
