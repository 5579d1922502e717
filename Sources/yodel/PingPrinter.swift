import Basics
import Gateway
import Glibc
import Relay
import Sockets

/// Prints what `yodel ping` has to tell, on a thread of its own: a terminal that stands still holds up no datagram.
final class PingPrinter {
  private let address: SocketAddress
  private let head: String
  private let isJSON: Bool
  private let startedAt = MonotonicTime.now()
  private let writer: LineWriter<[UInt8]>
  private var progress = PingProgress()

  /// - Parameter asked: the target as it was given.
  init(asked: HostPort, address: SocketAddress, size: Int, isJSON: Bool) {
    self.address = address
    self.isJSON = isJSON
    let place = asked.description == address.description ? asked.description : "\(asked) (\(address))"
    head = "PING \(place) \(size) bytes of data.\n"
    let complaint = LineWriter<[UInt8]>.Complaint.elsewhere {
      Console.complain("\($0) lines were not printed: standard output is too slow")
    }
    writer = LineWriter(to: STDOUT_FILENO, complaint: complaint) { $0 }
  }

  /// Says that it begins.
  func begin() {
    if !isJSON { write(Array(head.utf8)) }
  }

  /// What has become known.
  func print(_ lines: [ProbeLine]) {
    for line in lines { write(isJSON ? line.json(from: address) : Array(PingText.line(line, from: address).utf8)) }
    progress.note(lines)
  }

  /// The summary, and everything is printed.
  func end(_ summary: ProbeSummary) {
    progress.clear()
    let elapsed = MonotonicTime.now() - startedAt
    write(isJSON ? summary.json : Array(PingText.summary(summary, of: address, after: elapsed).utf8))
    flush()
  }

  /// Returns when everything has been printed, or nobody reads it.
  func flush() {
    writer.flush()
  }

  private func write(_ bytes: [UInt8]) {
    writer.write(bytes, size: bytes.count)
  }
}

/// A line on a terminal's standard error that is rewritten while standard output goes somewhere else, and nobody would
/// see that anything happens.
private struct PingProgress {
  private let isShown = isatty(STDERR_FILENO) == 1 && isatty(STDOUT_FILENO) == 0
  private var shownAt = MonotonicTime(nanoseconds: 0)
  private var counts: [ProbeLine.Fate: Int] = [:]

  /// As often as eyes follow.
  private static let period = Nanoseconds.milliseconds(200)
  private static let eraseToEnd = "\u{1B}[K"

  mutating func note(_ lines: [ProbeLine]) {
    guard isShown else { return }
    for line in lines { counts[line.fate, default: 0] += 1 }
    let now = MonotonicTime.now()
    guard now - shownAt >= Self.period else { return }
    shownAt = now
    let parts = counts.sorted { $0.key.rawValue < $1.key.rawValue }.map { "\($1) \($0.rawValue)" }
    let last = lines.last { $0.roundTrip != nil }?.roundTrip.map { ", \($0.milliseconds) ms" } ?? ""
    Console.writeDiagnostic(Array("\r\(parts.joined(separator: ", "))\(last)\(Self.eraseToEnd)".utf8))
  }

  func clear() {
    if isShown { Console.writeDiagnostic(Array("\r\(Self.eraseToEnd)".utf8)) }
  }
}
