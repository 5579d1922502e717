import Basics
import Relay
import Sockets

/// The words of `yodel ping`, in which whoever knows ping(8) of iputils is at home.
enum PingText {
  /// A datagram's line.
  static func line(_ line: ProbeLine, from address: SocketAddress) -> String {
    switch line.fate {
    case .reply: came(line, address, "")
    case .late: came(line, address, " (late)")
    case .corrupted: came(line, address, " (CORRUPTED!)")
    case .duplicate: came(line, address, " (DUP!)")
    case .lost: "no reply for seq=\(line.number)\n"
    case .unreachable: "\(address): seq=\(line.number) \(reason(line.error))\n"
    }
  }

  private static func came(_ line: ProbeLine, _ address: SocketAddress, _ mark: String) -> String {
    let time = line.roundTrip?.milliseconds ?? "?"
    return "\(line.bytes ?? 0) bytes from \(address): seq=\(line.number) time=\(time) ms\(mark)\n"
  }

  private static func reason(_ error: ReportedError?) -> String {
    switch error?.errno {
    case .connectionRefused?: "port unreachable"
    case let errno?: "\(errno)"
    case nil: "unreachable"
    }
  }

  /// The statistics.
  static func summary(_ summary: ProbeSummary, of address: SocketAddress, after elapsed: Nanoseconds) -> String {
    var text = "\n--- \(address) ping statistics ---\n"
    text += "\(summary.sent) packets transmitted, \(summary.received) received"
    for (name, count) in extras(summary) where count > 0 { text += ", +\(count) \(name)" }
    if let loss = summary.lossMillipercent { text += ", \(percent(loss))% packet loss" }
    text += ", time \(elapsed.count / 1_000_000)ms\n"
    return text + roundTrips(summary.roundTrips)
  }

  /// What is outside received and lost, in iputils's words where it has some.
  private static func extras(_ summary: ProbeSummary) -> KeyValuePairs<String, Int> {
    [
      "late": summary.late, "corrupted": summary.corrupted, "errors": summary.unreachable,
      "duplicates": summary.duplicates, "reordered": summary.reordered, "unmatched": summary.unmatched,
      "dropped here": summary.droppedHere, "undecided": summary.undecided,
    ]
  }

  private static func percent(_ thousandths: Int64) -> String {
    let text = decimal(thousandths: thousandths)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  private static func roundTrips(_ times: RoundTrips) -> String {
    guard let min = times.min, let mean = times.mean, let max = times.max, let deviation = times.standardDeviation
    else { return "" }
    func joined(_ spans: [Nanoseconds?]) -> String {
      spans.map { decimal3($0 ?? .zero) }.joined(separator: "/")
    }
    let jitter = times.jitter.map { ", jitter \(decimal3($0)) ms" } ?? ""
    return "rtt min/avg/max/mdev = \(joined([min, mean, max, deviation])) ms\n"
      + "rtt p50/p90/p99 = \(joined(times.percentiles([50, 90, 99]))) ms\(jitter)\n"
  }

  /// Milliseconds with three digits, so that figures stand in columns.
  private static func decimal3(_ span: Nanoseconds) -> String {
    let text = span.milliseconds
    let digits = text.utf8.count - text.utf8.firstIndex(of: UInt8(ascii: "."))!.utf16Offset(in: text) - 1
    return text + String(repeating: "0", count: 3 - digits)
  }
}
