import Foundation
import HTTPServer
import Relay
import Testing

@testable import Gateway

struct AnswerTests {
  private func isRaw(_ accept: String?) -> String? {
    if case .raw(let type) = ReplyForm(accept: accept) { return type }
    return nil
  }

  @Test(arguments: [
    nil, "*/*", "application/json", "text/html,*/*;q=0.8", "application/json, text/plain, */*", "text/plain;q=0",
    "text/plain;q=0.5, application/json", "",
  ])
  func jsonIsTheAnswerUnlessBytesAreLikedBetter(accept: String?) {
    #expect(isRaw(accept) == nil)
  }

  @Test func bytesAreForThoseWhoNameThem() {
    #expect(isRaw("text/plain") == "text/plain")
    #expect(isRaw("application/octet-stream") == "application/octet-stream")
    #expect(isRaw("text/plain, */*;q=0.1") == "text/plain")
    #expect(
      isRaw("application/json;q=0.2, application/octet-stream;q=0.3, text/plain ; q=0.1") == "application/octet-stream")
  }

  @Test(arguments: Problem.Kind.allCases)
  func everyProblemIsAnRFC9457Object(kind: Problem.Kind) throws {
    let problem = Problem(kind, "what \"was\" wrong\n", [.number("limit", 5), .text("target", "a\u{1B}b")])
    let response = problem.response
    guard case .bytes(let bytes) = response.body else { throw CancellationError() }
    let object = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    #expect(object["type"] as? String == "urn:yodel:problem:\(kind.rawValue)")
    #expect(object["status"] as? Int == response.status && (400..<600).contains(response.status))
    #expect(object["detail"] as? String == "what \"was\" wrong\n" && object["limit"] as? Int == 5)
    #expect(object["target"] as? String == "a\u{1B}b" && object["title"] as? String != nil)
    #expect(response.fields["Content-Type"] == "application/problem+json" && bytes.last == 0x0A)
    #expect((response.fields["Retry-After"] != nil) == (response.status == 503))
  }

  @Test func problemNamesAndTitlesDiffer() {
    #expect(Set(Problem.Kind.allCases.map(\.rawValue)).count == Problem.Kind.allCases.count)
    #expect(Set(Problem.Kind.allCases.map(\.row.title)).count == Problem.Kind.allCases.count)
  }

  @Test func everyAnswerHasTheSecurityHeaders() {
    for response in [HTTPResponse.api([]), .allow("GET"), Problem(.notFound, "").response] {
      #expect(
        response.fields["X-Content-Type-Options"] == "nosniff" && response.fields["Referrer-Policy"] == "same-origin")
      #expect(response.fields["Cross-Origin-Resource-Policy"] == "same-origin")
      #expect(response.fields["Cache-Control"] == "no-store")
    }
  }

  @Test func histogramsCountEachSpanOnceAndAddUp() {
    var histogram = Histogram()
    histogram.record(.init(50_000))
    histogram.record(.init(50_001))
    histogram.record(.seconds(11))
    #expect(histogram.counts.first == 1 && histogram.counts[1] == 1 && histogram.counts.last == 1)
    let sum = histogram + histogram
    #expect(sum.counts.reduce(0, +) == 6 && sum.sum == 2 * histogram.sum)
    for ((nanoseconds, label), (next, _)) in zip(Histogram.bounds, Histogram.bounds.dropFirst()) {
      #expect(nanoseconds < next && Double(label)! * 1e9 == Double(nanoseconds))
    }
  }

  @Test func aTallyCountsEachKeyWhateverCameBetween() {
    var tally = LoopMetrics.Tally<Int>()
    for key in [1, 1, 2, 1, 1, 1, 3] { tally.count(key) }
    tally.count(2, times: 4)
    #expect(tally.all == [1: 5, 2: 5, 3: 1])
    #expect(tally[1] == 5 && tally[2] == 5 && tally[3] == 1 && tally[4] == 0)
  }

  /// What is not in the list would be counted and never told.
  @Test(arguments: [
    RelayError.noReply, .portUnreachable(nil), .targetUnreachable(.hostIsDown, nil), .messageTooLarge(limit: 1),
    .overloaded(.ports), .cancelled,
  ])
  func everyEndOfAnExchangeIsTold(error: RelayError) {
    #expect(ExchangeOutcome.allCases.contains(ExchangeOutcome(error)) && ExchangeOutcome.allCases.contains(.reply))
  }

  @Test func metricLabelsAreEscaped() {
    var writer = MetricsWriter()
    writer.family("yodel_x", .counter, "Help.")
    writer.sample("yodel_x", ["a": "q\"b\\c\nd", "b": ""], 1)
    let sample = #"yodel_x{a="q\"b\\c\nd",b=""} 1"#
    #expect(
      String(decoding: writer.bytes, as: UTF8.self)
        == "# HELP yodel_x Help.\n# TYPE yodel_x counter\n\(sample)\n")
  }
}
