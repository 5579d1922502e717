import Basics
import Testing

@testable import Gateway

/// What a series' request may say.
@Suite struct SeriesRequestTests {
  private func read(_ body: String, isRemote: Bool = false) -> SeriesRequest? {
    try? SeriesRequest(body: Array(body.utf8), isRemote: isRemote)
  }

  @Test func nothingSaidIsTheDefaults() {
    for body in ["", "{}", " { } "] {
      let series = read(body)
      #expect(series?.count == 10 && series?.intervalMilliseconds == 1000 && series?.size == 64)
      #expect(series?.target == nil && series?.timeoutMilliseconds == nil)
    }
  }

  @Test func everyMemberIsTaken() {
    let series = read(#"{"target":"lab","count":10000,"interval_ms":360,"size":65507,"timeout_ms":10000}"#)
    #expect(series?.target == "lab" && series?.count == 10_000 && series?.intervalMilliseconds == 360)
    #expect(series?.size == 65_507 && series?.timeoutMilliseconds == 10_000)
  }

  @Test func anHourIsTheLongest() {
    #expect(read(#"{"count":3600,"interval_ms":1000}"#) != nil)
    #expect(read(#"{"count":3601,"interval_ms":1000}"#) == nil)
    #expect(read(#"{"count":10000,"interval_ms":0}"#) != nil)
  }

  @Test func fromBeyondTheMachineTenMillisecondsLieBetween() {
    for (interval, isTaken) in [(0, true), (1, false), (9, false), (10, true)] {
      #expect((read(#"{"interval_ms":\#(interval)}"#, isRemote: true) != nil) == isTaken, "\(interval)")
      #expect(read(#"{"interval_ms":\#(interval)}"#) != nil, "\(interval)")
    }
  }

  /// Without an interval, too: the next leaves when the last is decided, and not sooner than that.
  @Test func aPlanHasNothingWithoutABound() throws {
    let series = try #require(read(#"{"interval_ms":0}"#, isRemote: true))
    let plan = series.plan(defaultTimeout: .milliseconds(700), isRemote: true)
    #expect(plan.interval == .zero && plan.gap == .milliseconds(10) && plan.timeout == .milliseconds(700))
    #expect(plan.longest == Limits.longestSeries && plan.listedDuplicates == Limits.listedDuplicates)
    #expect(series.plan(defaultTimeout: .zero, isRemote: false).gap == .zero)
  }

  @Test(arguments: ["1.5", "\"1\"", "null", "true", "[]", "1e300", "-0.5"])
  func whatIsNoWholeNumberIsRefused(value: String) {
    for name in ["count", "interval_ms", "size", "timeout_ms"] { #expect(read("{\"\(name)\":\(value)}") == nil) }
  }
}
