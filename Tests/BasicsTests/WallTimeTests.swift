import Basics
import Testing

@Suite struct WallTimeTests {
  @Test(
    arguments: [
      (0, "1970-01-01T00:00:00.000000Z"), (1_795_348_800_123_456_789, "2026-11-22T12:00:00.123456Z"),
      (951_782_399_999_999_999, "2000-02-28T23:59:59.999999Z"),
      (951_782_400_000_000_000, "2000-02-29T00:00:00.000000Z"),
      (1_000, "1970-01-01T00:00:00.000001Z"), (999, "1970-01-01T00:00:00.000000Z"),
      (-1_000, "1969-12-31T23:59:59.999999Z"), (-1_000_000_000, "1969-12-31T23:59:59.000000Z"),
    ] as [(Int64, String)])
  func aTimeIsWrittenInUTCWithMicroseconds(nanoseconds: Int64, text: String) {
    #expect(WallTime(nanoseconds: nanoseconds).utc == text)
  }
}
