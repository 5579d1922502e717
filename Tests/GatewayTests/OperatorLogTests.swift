import Basics
import EventLoop
import HTTPServer
import Logging
import Sockets
import TestSupport
import Testing

@testable import Gateway

/// Keeps what is logged.
private struct RecordingHandler: LogHandler {
  let lines: Locked<[(level: Logger.Level, message: String, metadata: Logger.Metadata)]>
  var logLevel = Logger.Level.info
  var metadata: Logger.Metadata = [:]

  subscript(metadataKey key: String) -> Logger.MetadataValue? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    lines.withLock { $0.append((event.level, event.message.description, event.metadata ?? [:])) }
  }
}

struct OperatorLogTests {
  private let lines = Locked<[(level: Logger.Level, message: String, metadata: Logger.Metadata)]>([])

  private func withLog(_ body: @escaping @Sendable (OperatorLog) async throws -> Void) async throws {
    let thread = try LoopThread(name: "log-test")
    let handler = RecordingHandler(lines: lines)
    let log = OperatorLog(Logger(label: "test") { _ in handler }, on: thread.loop)
    try await onOwnThreads { try await body(log) }
    thread.loop.stop()
    thread.join()
  }

  /// What a kind's lines have told so far: themselves, and those that they say were suppressed.
  private func told(_ kind: OperatorLog.Kind) -> Int {
    lines.withLock { lines in
      lines.filter { $0.message == kind.rawValue }.reduce(0) { sum, line in
        let suppressed = line.metadata["suppressed"].flatMap { Int("\($0)") } ?? 0
        // A line that only tells of others has nothing else to say.
        return sum + suppressed + (line.metadata.keys.contains("error") ? 1 : 0)
      }
    }
  }

  @Test func afterAFloodThatHasEndedEveryLineIsToldByItself() async throws {
    try await withLog { log in
      let start = MonotonicTime.now()
      await withTaskGroup { group in
        for _ in 0..<4 {
          group.addTask { for _ in 0..<250 { log.warn(.cannotAccept, ["error": "x"]) } }
        }
      }
      _ = await eventually { told(.cannotAccept) >= 1000 }
      #expect(told(.cannotAccept) == 1000)
      let seconds = (MonotonicTime.now() - start).seconds
      #expect(lines.withLock { $0.count } <= 1 + Int(seconds))
    }
  }

  @Test func theEndTellsWhatWasNotToldYet() async throws {
    try await withLog { log in
      for _ in 0..<50 { log.warn(.cannotWatch, ["error": "x"]) }
      log.finish()
      #expect(told(.cannotWatch) == 50)
      log.finish()
      #expect(told(.cannotWatch) == 50)
    }
  }

  @Test func oneKindDoesNotKeepAnotherFromBeingTold() async throws {
    try await withLog { log in
      for _ in 0..<10 { for kind in OperatorLog.Kind.allCases { log.warn(kind, ["error": "x"]) } }
      let first = lines.withLock { $0.prefix(OperatorLog.Kind.allCases.count).map(\.message) }
      #expect(Set(first) == Set(OperatorLog.Kind.allCases.map(\.rawValue)))
    }
  }

  @Test func anErrorOfOurOwnIsToldWithWhatIsNeededToFindIt() async throws {
    try await withLog { log in
      let peer = try #require(SocketAddress("192.0.2.9:4000"))
      let head = HTTPRequestHead(
        method: .post, path: "/api/messages", query: nil, fields: HTTPFields(), peer: peer)
      log.write(Problem(.internalError, "what went wrong"), for: head)
      log.write(Problem(.noReply, "no news"), for: head)
      let line = try #require(lines.withLock { $0.count == 1 ? $0[0] : nil })
      #expect(line.level == .error && line.message == OperatorLog.Kind.internalError.rawValue)
      let metadata = line.metadata.mapValues(\.description)
      #expect(
        metadata == ["request": "POST /api/messages", "detail": "what went wrong", "peer": "192.0.2.9:4000"])
    }
  }

  /// Nobody hears it: the request was cancelled when its client went away.
  @Test func aRequestWhoseClientHasGoneIsNoErrorOfOurs() async throws {
    try await withLog { log in
      let peer = try #require(SocketAddress("192.0.2.9:4000"))
      let head = HTTPRequestHead(method: .get, path: "/", query: nil, fields: HTTPFields(), peer: peer)
      log.write(Problem(.internalError, "cancelled"), for: head, isHeard: false)
      #expect(lines.withLock { $0.isEmpty })
    }
  }

  @Test func whatIsSuppressedIsNotPutIntoWords() async throws {
    try await withLog { log in
      let worded = Locked(0)
      func metadata() -> Logger.Metadata {
        worded.withLock { $0 += 1 }
        return ["error": "x"]
      }
      let start = MonotonicTime.now()
      for _ in 0..<1000 { log.warn(.library, metadata()) }
      #expect(worded.withLock { $0 } <= 1 + Int((MonotonicTime.now() - start).seconds))
    }
  }
}
