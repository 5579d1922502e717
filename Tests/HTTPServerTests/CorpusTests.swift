import Foundation
@testable import HTTPServer
import Testing

/// Requests kept as files, raw. A name begins with what the server answers, one status a request; then `wait` where it
/// waits for more. `refused` is an error or an end, as the version of libmicrohttpd has it, and so is `chunks`, which
/// versions before 1.0 take.
enum Corpus {
  static let files: [(name: String, bytes: [UInt8])] = {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus")
    let names = try! FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    return names.map { ($0, Array(try! Data(contentsOf: folder.appending(path: $0)))) }
  }()

  /// The statuses that a name promises.
  static func statuses(_ name: String) -> [Int] {
    name.split(separator: "-").prefix { Int($0).map { (200..<600).contains($0) } ?? false }.map { Int($0)! }
  }
}

/// Some 17,000 connections, a good minute under a sanitizer on a busy machine.
@Suite(.serialized, .timeLimit(.minutes(10))) struct CorpusTests {
  @Test func theReaderOfTheseTestsReadsTheFilesAsTheirNamesSay() {
    for (name, bytes) in Corpus.files {
      let reading = StrictReader(bytes)
      let statuses = Corpus.statuses(name)
      #expect(reading.requests.count == statuses.count { $0 == 200 }, "\(name)")
      let isRefused = statuses.last.map { $0 != 200 } ?? !name.hasPrefix("wait")
      #expect((reading.end == .refused) == isRefused, "\(name): \(reading.end)")
      #expect((reading.end == .incomplete) == name.contains("wait-"), "\(name): \(reading.end)")
    }
  }

  @Test func eachFileIsAnsweredAsItsNameSaysWhereverItIsCut() async throws {
    try await TrialBench.with { bench in
      for (name, bytes) in Corpus.files {
        let trials =
          [Trial(name: name, bytes: bytes)]
          + (1..<bytes.count).map {
            Trial(name: name, bytes: bytes, cuts: [$0])
          }
        for (trial, outcome) in zip(trials, try bench.run(trials)) {
          if let complaint = TrialJudge.complaint(outcome, of: trial) { Issue.record("\(complaint)\n\(trial)") }
          if name.hasPrefix("chunks") || name.hasPrefix("refused") { continue }
          // libmicrohttpd 1.0.1 miscounts a line with an extension, and refuses what follows.
          if name.contains("extensions"), !HeadLayout.isNeeded, outcome.statuses == [400] { continue }
          #expect(outcome.statuses == Corpus.statuses(name), "\(trial)")
        }
      }
    }
  }
}
