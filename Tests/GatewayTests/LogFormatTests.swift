import Basics
import Foundation
import Logging
import Testing

@testable import yodel

struct LogFormatTests {
  private let hostile = "a\nb\u{1B}[2J\u{7F}\u{85}\u{9B}31m\u{2028}\u{202E}\u{2066}\"é\\\r\0"

  private func line(_ format: LogFormat, _ message: String, _ metadata: Logger.Metadata = [:]) -> String {
    let event = LogEvent(
      level: .warning, message: "\(message)", metadata: metadata, source: "s", file: "f", function: "f", line: 1)
    return String(decoding: format.line(event, metadata, at: WallTime(nanoseconds: 0)), as: UTF8.self)
  }

  /// One line, and nothing in it that could end it, clear a terminal or turn its direction.
  private func isOneHarmlessLine(_ line: String) -> Bool {
    line.hasSuffix("\n")
      && !line.dropLast().unicodeScalars.contains { $0 != "\\" && escapedLine(String($0)) != String($0) }
  }

  @Test func textIsTimeLevelMessageAndMetadata() {
    let metadata: Logger.Metadata = ["b": "two words", "a": "1", "c": "", "d": "x=y", "e": "a\"b"]
    #expect(
      line(.text, "hello", metadata)
        == "1970-01-01T00:00:00.000000Z warning hello a=1 b=\"two words\" c=\"\" d=\"x=y\" e=\"a\\\"b\"\n")
    #expect(line(.text, "hello") == "1970-01-01T00:00:00.000000Z warning hello\n")
  }

  @Test func jsonIsAnObjectThatReadsBack() throws {
    let text = line(.json, hostile, ["k\n": "\(hostile)", "list": ["a", "b"]])
    #expect(isOneHarmlessLine(text))
    let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect(object["time"] as? String == "1970-01-01T00:00:00.000000Z" && object["level"] as? String == "warning")
    #expect(object["message"] as? String == hostile)
    let metadata = try #require(object["metadata"] as? [String: String])
    #expect(metadata["k\n"] == hostile && metadata["list"] == "[\"a\", \"b\"]" && metadata.count == 2)
    #expect(line(.json, "x") == #"{"time":"1970-01-01T00:00:00.000000Z","level":"warning","message":"x"}"# + "\n")
  }

  @Test(arguments: LogFormat.allCases)
  func whateverIsInItALineIsALine(format: LogFormat) {
    #expect(isOneHarmlessLine(line(format, hostile, ["k\(hostile)": "\(hostile)"])))
    for value in UInt32(0)...0x3000 {
      guard let scalar = Unicode.Scalar(value) else { continue }
      #expect(isOneHarmlessLine(line(format, "\(scalar)", ["\(scalar)": "\(scalar)"])))
    }
  }

  @Test func anEventsOwnMetadataComesBeforeTheLoggers() {
    var handler = LineLogHandler(.text, level: .info, writer: .log(.text))
    handler[metadataKey: "a"] = "logger's"
    handler.metadataProvider = Logger.MetadataProvider { ["a": "provider's", "b": "provider's"] }
    let event = LogEvent(
      level: .info, message: "m", error: CancellationError(), metadata: ["b": "event's"], source: nil, file: "f",
      function: "f", line: 1)
    let all = handler.complete(event).mapValues(\.description)
    #expect(all == ["a": "provider's", "b": "event's", "error": "CancellationError()"])
  }
}
