import Basics
import Foundation
import RelaySimulation

// `make soak`: the relay's engine in a simulated world, until so many exchanges have met a fault.
//
// RelaySoak [EXCHANGES [SECONDS [SEED]]]: 10,000,000 exchanges, in 1800 seconds at most, from seed 1. Exit 1 where a
// rule was broken, with the scenario that shows it, and where the time was too short.
//
// RelaySoak FILE…: replays scenarios, as Tests/RelayTests/Scenarios has them.

let files = CommandLine.arguments.dropFirst().filter { $0.hasSuffix(".txt") }
if !files.isEmpty { exit(replay(files)) }

let arguments = CommandLine.arguments.dropFirst().map { UInt64($0) ?? 0 } + [0, 0, 0]
let wanted = arguments[0] == 0 ? 10_000_000 : Int(arguments[0])
let seconds = arguments[1] == 0 ? 1800 : Double(arguments[1])
let firstSeed = arguments[2] == 0 ? 1 : arguments[2]

let begin = MonotonicTime.now()
let deadline = begin + .seconds(seconds)

func elapsed() -> Int { Int((MonotonicTime.now() - begin).seconds) }

var run = RandomRun()
var nextReport = begin + .seconds(10)
while run.faulted < wanted, run.failure == nil, MonotonicTime.now() < deadline {
  run.run(seed: firstSeed + UInt64(run.scenarios))
  if MonotonicTime.now() > nextReport {
    print("\(elapsed()) s: \(run.faulted) faulted exchanges of \(run.exchanges)")
    fflush(nil)
    nextReport = nextReport + .seconds(10)
  }
}

print("\(run.scenarios) scenarios from seed \(firstSeed) in \(elapsed()) s")
print("\(run.exchanges) exchanges, \(run.faulted) of them with a fault; \(run.replies) replies")
for (event, count) in run.tally.sorted(by: { $0.key < $1.key }) { print("  \(event): \(count)") }
if let failure = run.failure {
  print("A rule was broken. \(failure)")
  exit(1)
}
print("misattributed: 0; beyond what the rules promise: \(run.beyond)")
if run.faulted < wanted {
  print("The time was too short for \(wanted) exchanges.")
  exit(1)
}

/// Answers 1 where one of the scenarios goes otherwise than it says.
func replay(_ files: [String]) -> Int32 {
  var failures = 0
  for file in files {
    do {
      let violations = Simulation.run(try Scenario(String(contentsOfFile: file, encoding: .utf8))).violations
      for violation in violations { print("\(file): \(violation)") }
      if !violations.isEmpty { failures += 1 }
    } catch {
      print("\(file): \(error)")
      failures += 1
    }
  }
  print("\(files.count) scenarios, \(failures) not as they say")
  return failures == 0 ? 0 : 1
}
