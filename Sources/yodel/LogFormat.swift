import ArgumentParser
import Basics
import Glibc
import Logging

/// How the log's lines look.
enum LogFormat: String, ExpressibleByArgument, CaseIterable {
  /// For people: time, level, message, then the metadata as `name=value`.
  case text
  /// For programs: an object a line with `time`, `level`, `message` and, where there is some, `metadata`.
  case json

  /// An event as one line, its end included. What came from a network cannot end it, forge another or hide a part.
  func line(_ event: LogEvent, _ metadata: Logger.Metadata, at time: WallTime = .now()) -> [UInt8] {
    line(event.level, event.message.description, metadata, at: time)
  }

  /// The same, of its parts.
  func line(
    _ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata = [:], at time: WallTime = .now()
  ) -> [UInt8] {
    let values = metadata.sorted { $0.key < $1.key }.map { (name: $0.key, value: "\($0.value)") }
    switch self {
    case .text:
      let pairs = values.map { " \(escapedLine($0.name))=\(Self.quoted($0.value))" }.joined()
      return Array("\(time.utc) \(level) \(escapedLine(message))\(pairs)\n".utf8)
    case .json:
      let text = JSONWriter.text { json in
        json.member("time", time.utc)
        json.member("level", level.rawValue)
        json.member("message", message)
        guard !values.isEmpty else { return }
        json.object("metadata") { json in
          for (name, value) in values { json.member(escaping: name, value) }
        }
      }
      return escapedJSON(text)
    }
  }

  private static func quoted(_ value: String) -> String {
    let line = escapedLine(value)
    guard line.isEmpty || line.contains(where: { $0 == " " || $0 == "\"" || $0 == "=" }) else { return line }
    return "\"" + line.replacing("\"", with: "\\\"") + "\""
  }
}

extension LineWriter<[UInt8]> {
  /// The writer of a log, on standard error.
  static func log(_ format: LogFormat) -> LineWriter {
    let complaint = Complaint.among {
      format.line(.warning, "\($0) lines were not logged: standard error is too slow")
    }
    return LineWriter(to: STDERR_FILENO, complaint: complaint) { $0 }
  }
}

/// Writes the log, a line an event.
struct LineLogHandler: LogHandler {
  let format: LogFormat
  let writer: LineWriter<[UInt8]>
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  var metadataProvider: Logger.MetadataProvider?

  init(_ format: LogFormat, level: Logger.Level, writer: LineWriter<[UInt8]>) {
    self.format = format
    self.writer = writer
    logLevel = level
  }

  subscript(metadataKey key: String) -> Logger.MetadataValue? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let line = format.line(event, complete(event))
    writer.write(line, size: line.count)
  }

  /// The event's own metadata before the provider's, before the logger's.
  func complete(_ event: LogEvent) -> Logger.Metadata {
    var all = metadata
    all.merge(metadataProvider?.get() ?? [:]) { $1 }
    if let error = event.error { all["error"] = "\(error)" }
    all.merge(event.metadata ?? [:]) { $1 }
    return all
  }
}
