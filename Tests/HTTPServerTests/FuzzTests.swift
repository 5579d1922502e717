import Basics
import Foundation
import Testing

/// The server under bytes that nobody thought of; ``TrialJudge`` says what may come of them. `make fuzz` runs it for
/// `FUZZ_SECONDS`, from seeds that begin at `FUZZ_SEED`: a trial is made again by that seed.
@Suite struct FuzzTests {
  private static let environment = ProcessInfo.processInfo.environment
  private static let seconds = environment["FUZZ_SECONDS"].flatMap(Double.init)
  private static let seed = environment["FUZZ_SEED"].flatMap(UInt64.init) ?? 1
  /// Trials of a run that has no time given.
  private static let shortRun = 10_000
  private static let batch = 100

  @Test(.timeLimit(.minutes(Int((seconds ?? 0) / 60) + 2)))
  func whatRunsIsWhatTheBytesMeanAndNothingElseRuns() async throws {
    let files = Corpus.files.map(\.bytes)
    let end = MonotonicTime.now() + .seconds(Self.seconds ?? 60)
    try await TrialBench.with { bench in
      var seed = Self.seed
      var ran = 0
      while Self.seconds == nil ? seed < Self.seed + UInt64(Self.shortRun) : .now() < end {
        let trials = (0..<UInt64(Self.batch)).map { Mutation.trial(seed: seed + $0, files: files) }
        for (trial, outcome) in zip(trials, try bench.run(trials)) {
          ran += outcome.ran.count
          if let complaint = TrialJudge.complaint(outcome, of: trial) { Issue.record("\(complaint)\n\(trial)") }
        }
        seed += UInt64(Self.batch)
      }
      let count = Int(seed - Self.seed)
      #expect(ran > count / 10, "almost nothing is served of what the corpus makes: \(ran) of \(count)")
      if Self.seconds != nil { print("\(count) connections, \(ran) requests served, seeds \(Self.seed)..<\(seed)") }
    }
  }
}
