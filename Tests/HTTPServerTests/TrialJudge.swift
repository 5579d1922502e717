@testable import HTTPServer

/// Says whether what a server did with some bytes is what they mean, by a reader that shares nothing with it.
///
/// What libmicrohttpd makes impossible to see is in one place each: in a head, and that only before 1.0, ``leniences``;
/// in chunks, ``isLoose(_:_:)``. The README's limits tell it.
enum TrialJudge {
  /// Why an outcome is wrong; nil where it is right.
  static func complaint(_ outcome: Outcome, of trial: Trial) -> String? {
    if let fault = outcome.fault { return fault }
    let strict = StrictReader(trial.bytes)
    guard let complaint = complaint(outcome, strict) else { return nil }
    // They are for what runs without being read; whatever is read must run.
    guard HeadLayout.isNeeded, outcome.ran.count > strict.requests.count else { return complaint }
    let isExplained = leniences.contains { leniences in
      let reading = StrictReader(trial.bytes, leniences: leniences)
      return Self.complaint(outcome, reading) == nil || isRefused(outcome, reading)
    }
    return isExplained ? nil : complaint
  }

  /// The readings that an outcome may have instead of the strict one.
  private static let leniences: [StrictReader.Leniences] = [
    .init(lineEnds: true), .init(blankLines: true), .init(lineEnds: true, blankLines: true),
  ]

  /// What was let pass once was refused the next time.
  private static func isRefused(_ outcome: Outcome, _ reading: StrictReader) -> Bool {
    let expected = Array(repeating: 200, count: outcome.ran.count)
    return outcome.isEnded && outcome.ran == Array(reading.requests.prefix(outcome.ran.count))
      && (outcome.statuses == expected || outcome.statuses.dropLast() == expected[...])
  }

  private static func complaint(_ outcome: Outcome, _ reading: StrictReader) -> String? {
    if isLoose(outcome, reading) { return nil }
    guard outcome.ran == Array(reading.requests.prefix(outcome.ran.count)) else {
      return "\(outcome.ran) ran, but \(reading.requests) are there"
    }
    guard outcome.statuses.prefix(outcome.ran.count).allSatisfy({ $0 == 200 }) else {
      return "\(outcome.ran.count) ran, but the answers are \(outcome.statuses)"
    }
    let surplus = outcome.statuses.dropFirst(outcome.ran.count)
    guard surplus.count <= 1, surplus.allSatisfy({ $0 >= 400 }) else { return "the answers are \(outcome.statuses)" }
    if outcome.ran.count < reading.requests.count { return complaint(aboutFewer: outcome, reading) }
    let admitted = outcome.ran.count + (reading.end == .closed || reading.end == .complete ? 0 : 1)
    guard outcome.admitted <= admitted else { return "\(outcome.admitted) heads were let in" }
    let isRefused = !surplus.isEmpty
    switch reading.end {
    case .complete, .closed: return isRefused ? "there is an answer more: \(outcome.statuses)" : nil
    case .incomplete: return nil
    case .refused: return outcome.isEnded ? nil : "the connection goes on"
    }
  }

  /// Not all requests ran: the next one may be refused, or the connection may end with a proxy's chunks.
  private static func complaint(aboutFewer outcome: Outcome, _ reading: StrictReader) -> String? {
    let next = outcome.ran.count
    if outcome.statuses.count > next, reading.refusable.contains(next) { return nil }
    if next > 0, reading.proxied.contains(next - 1), outcome.isEnded { return nil }
    return "only \(next) of \(reading.requests.count) ran; the answers are \(outcome.statuses)"
  }

  /// A body in chunks may end where it should not. From a proxy it is the last one on its connection; from elsewhere
  /// nobody can say what is to follow.
  private static func isLoose(_ outcome: Outcome, _ reading: StrictReader) -> Bool {
    let next = reading.requests.count
    guard outcome.ran.count > next, var inChunks = reading.endsInChunks else { return false }
    inChunks.body = outcome.ran[next].body
    guard outcome.ran.prefix(next + 1) == (reading.requests + [inChunks])[...] else { return false }
    return !inChunks.isForwarded
      || outcome.isEnded && outcome.ran.count == next + 1
        && outcome.statuses == Array(repeating: 200, count: outcome.ran.count)
  }
}
