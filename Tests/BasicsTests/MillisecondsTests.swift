import Basics
import TestSupport
import Testing

@Suite struct MillisecondsTests {
  @Test(
    arguments: [
      (0, "0.0"), (1, "0.0"), (499, "0.0"), (500, "0.001"), (999, "0.001"), (1_000, "0.001"), (1_499, "0.001"),
      (1_500, "0.002"), (84_000, "0.084"), (84_499, "0.084"), (84_500, "0.085"), (10_000, "0.01"), (100_000, "0.1"),
      (99_999, "0.1"), (999_499, "0.999"), (999_500, "1.0"), (1_000_000, "1.0"), (1_001_000, "1.001"),
      (1_010_000, "1.01"), (1_100_000, "1.1"), (12_000_000, "12.0"), (999_999_500, "1000.0"),
      (10_000_000_000, "10000.0"),
      (-1, "0.0"), (-499, "0.0"), (-500, "-0.001"), (-84_000, "-0.084"), (-1_000_000, "-1.0"), (-1_500_000, "-1.5"),
      (3_600_000_000_000, "3600000.0"), (9_000_000_000_000_000_000, "9000000000000.0"),
    ] as [(Int64, String)])
  func aSpanIsWrittenInMilliseconds(count: Int64, text: String) {
    #expect(Nanoseconds(count).milliseconds == text)
  }

  @Test func theTextIsTheNearestMicrosecondAndNoLonger() throws {
    var random = SeededGenerator(seed: 3)
    for bits in 1...52 {
      for _ in 0..<50 {
        let count = Int64.random(in: -(1 << bits)...(1 << bits), using: &random)
        let text = Nanoseconds(count).milliseconds
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        try #require(parts.count == 2 && (1...3).contains(parts[1].count), "\(text)")
        #expect(parts[1].count == 1 || !parts[1].hasSuffix("0"), "\(text)")
        let padded = parts[1] + String(repeating: "0", count: 3 - parts[1].count)
        let microseconds = try #require(Int64(parts[0].drop { $0 == "-" } + padded))
        let signed = text.hasPrefix("-") ? -microseconds : microseconds
        #expect((signed * 1000 - count).magnitude <= 500, "\(count): \(text)")
      }
    }
  }

  @Test func spansAreMadeAndMeasured() {
    #expect(Nanoseconds.seconds(1.5) == Nanoseconds(1_500_000_000))
    #expect(Nanoseconds.milliseconds(-3) == Nanoseconds(-3_000_000))
    #expect(Nanoseconds(2_500_000_000).seconds == 2.5)
    #expect(Nanoseconds.seconds(1e300) == .seconds(9_000_000_000))
    let start = MonotonicTime(nanoseconds: 10)
    #expect(start + Nanoseconds(5) - start == Nanoseconds(5))
    #expect(start - Nanoseconds(15) < start)
    #expect(WallTime(nanoseconds: 7) - WallTime(nanoseconds: 9) == Nanoseconds(-2))
    #expect(Nanoseconds(-1) < .zero)
  }

  @Test func theClockNeverGoesBack() {
    var last = MonotonicTime.now()
    for _ in 0..<10_000 {
      let now = MonotonicTime.now()
      #expect(now >= last)
      last = now
    }
  }
}
