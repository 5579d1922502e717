import Basics
import TestSupport
import Testing

@Suite struct LineLimiterTests {
  private static func time(_ milliseconds: Int) -> MonotonicTime {
    MonotonicTime(nanoseconds: 5_000_000_000) + .milliseconds(milliseconds)
  }

  @Test func theFirstLineIsWrittenAndNothingWasSuppressed() {
    var limiter = LineLimiter()
    #expect(limiter.admit(at: Self.time(0)) == 0)
  }

  @Test func withinASecondTheOthersAreCountedAndThenTold() {
    var limiter = LineLimiter()
    _ = limiter.admit(at: Self.time(0))
    for index in 0..<999 { #expect(limiter.admit(at: Self.time(index)) == nil) }
    #expect(limiter.admit(at: Self.time(1000)) == 999)
    #expect(limiter.admit(at: Self.time(1001)) == nil)
    #expect(limiter.admit(at: Self.time(2500)) == 1)
    #expect(limiter.admit(at: Self.time(9000)) == 0)
  }

  @Test func aLineANanosecondBeforeTheSecondIsOverIsSuppressed() {
    var limiter = LineLimiter()
    _ = limiter.admit(at: Self.time(0))
    #expect(limiter.admit(at: Self.time(1000) - Nanoseconds(1)) == nil)
    #expect(limiter.admit(at: Self.time(1000)) == 1)
  }

  @Test func theNextSecondBeginsWithTheLineThatWasWritten() {
    var limiter = LineLimiter()
    _ = limiter.admit(at: Self.time(0))
    #expect(limiter.admit(at: Self.time(1900)) == 0)
    #expect(limiter.admit(at: Self.time(2100)) == nil)
    #expect(limiter.admit(at: Self.time(2900)) == 1)
  }

  @Test func aRandomFloodIsToldToTheLastLineAndNeverTwiceASecond() {
    var random = SeededGenerator(seed: 11)
    var limiter = LineLimiter()
    var asked = 0
    var written: [Int] = []
    var told = 0
    var clock = 0
    for _ in 0..<20_000 {
      clock += Int.random(in: 0...20, using: &random)
      asked += 1
      guard let suppressed = limiter.admit(at: Self.time(clock)) else { continue }
      written.append(clock)
      told += suppressed
      #expect(told + written.count == asked)
    }
    #expect(zip(written, written.dropFirst()).allSatisfy { $1 - $0 >= 1000 })
    #expect(written.count > 50)
  }

  @Test func aFloodThatHasEndedIsToldOnceItsSecondIsOver() {
    var limiter = LineLimiter()
    #expect(limiter.tellsAt == nil && limiter.tell(at: Self.time(0)) == nil)
    _ = limiter.admit(at: Self.time(0))
    #expect(limiter.tellsAt == nil && limiter.tell(at: Self.time(5000)) == nil)
    _ = limiter.admit(at: Self.time(6000))
    for index in 0..<99 { _ = limiter.admit(at: Self.time(6000 + index)) }
    #expect(limiter.tellsAt == Self.time(7000))
    #expect(limiter.tell(at: Self.time(6999)) == nil)
    #expect(limiter.tell(at: Self.time(7000)) == 99)
    #expect(limiter.tellsAt == nil && limiter.tell(at: Self.time(9000)) == nil)
  }

  /// What is told is a line as well.
  @Test func afterTellingTheNextLineWaitsForItsSecond() {
    var limiter = LineLimiter()
    for _ in 0..<3 { _ = limiter.admit(at: Self.time(0)) }
    #expect(limiter.tell(at: Self.time(1000)) == 2)
    #expect(limiter.admit(at: Self.time(1500)) == nil)
    #expect(limiter.tell(at: Self.time(1999)) == nil)
    #expect(limiter.tell(at: Self.time(2000)) == 1)
  }
}
