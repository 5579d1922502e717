import Basics
import Testing

@testable import Gateway

/// What a probe's request may say, and what its report looks like.
@Suite struct ProbeRequestTests {
  private func read(_ query: String?, timeout: String? = nil) throws(Problem) -> ProbeRequest {
    try ProbeRequest(query: query, scrapeTimeout: timeout)
  }

  private func refusal(_ query: String?, timeout: String? = nil) -> Problem? {
    do throws(Problem) { _ = try read(query, timeout: timeout) } catch { return error }
    return nil
  }

  @Test func aTargetIsAllThatIsNeeded() throws {
    let probe = try read("target=lab")
    #expect(probe.target == "lab" && probe.datagram == nil && probe.expectation == .echo && probe.timeout == nil)
  }

  @Test func everyParameterIsTaken() throws {
    let text = try read("target=%5B::1%5D:9999&message=a+b%26%C3%A4&expect=any")
    #expect(text.target == "[::1]:9999" && text.datagram == Array("a b&ä".utf8) && text.expectation == .any)
    #expect(try read("base64=AP%2B/&target=x&expect=echo").datagram == [0, 0xFF, 0xBF])
    #expect(try read("target=x&message=").datagram == [], "an empty datagram is a message")
  }

  @Test(arguments: [
    nil, "", "target", "target=", "message=x", "target=a&target=b", "target=a&message=x&base64=AA==",
    "target=a&base64=A", "target=a&base64=AP+/", "target=a&expect=Echo", "target=a&expect=", "target=%zz",
    "target=a&message=%ff",
  ])
  func whatIsWrongIsRefused(query: String?) {
    #expect(refusal(query)?.kind == .invalidRequest)
  }

  @Test(arguments: ["module=udp", "hex=00", "timeout_ms=5", "fresh=true", "Target=a"])
  func whatIsNotKnownTellsWhatIs(query: String) throws {
    let detail = try #require(refusal("target=a&" + query)?.detail)
    for name in ["target", "message", "base64", "expect"] { #expect(detail.contains(name)) }
  }

  @Test(arguments: [
    ("10", 9500), ("10.000000", 9500), ("2.5", 2000), ("1", 500), ("0.75", 250), ("0.6", 100), ("0.2", 100),
    ("10.5", 10_000), ("15", 10_000), ("1e300", 10_000),
  ])
  func halfASecondOfPrometheusTimeoutIsLeftForTheAnswer(seconds: String, milliseconds: Int) throws {
    #expect(try read("target=a", timeout: seconds).timeout == .milliseconds(milliseconds))
  }

  @Test(arguments: ["", "x", "nan", "inf", "-1", "0", "5 s"])
  func aTimeoutThatIsNoneIsRefused(seconds: String) {
    #expect(refusal("target=a", timeout: seconds)?.kind == .invalidRequest)
  }

  @Test func noTwoProbesSendTheSame() {
    let payloads = (0..<1000).map { _ in ProbeRequest.nonce() }
    #expect(Set(payloads).count == payloads.count)
  }

  @Test func aReportSaysHowItEnded() {
    let outcomes: [ExchangeOutcome] = [.reply, .problem(.noReply), .problem(.portUnreachable)]
    for outcome in outcomes {
      let report = ProbeReport(
        outcome: outcome, isSuccess: outcome == .reply, roundTrip: outcome == .reply ? .milliseconds(2) : nil,
        duration: .milliseconds(3))
      let lines = String(decoding: report.text, as: UTF8.self).split(separator: "\n")
      #expect(
        lines.contains("probe_success \(outcome == .reply ? 1 : 0)") && lines.contains("probe_duration_seconds 0.003"))
      #expect(lines.contains("probe_udp_rtt_seconds 0.002") == (outcome == .reply))
      #expect(lines.filter { $0.hasPrefix("probe_udp_outcome{") }.count == ProbeReport.outcomes.count)
      #expect(lines.filter { $0.hasPrefix("probe_udp_outcome{") && $0.hasSuffix(" 1") }.count == 1)
      #expect(lines.contains("probe_udp_outcome{outcome=\"\(outcome.label)\"} 1"))
    }
  }
}
