import Basics
import Foundation

// `make bench`: what it costs to read a message's JSON and to write its answer's, by our reader and writer and by
// Foundation's. Medians of rounds that take turns; a whole text each time, as the gateway has it.

private struct Message: Codable {
  var message: String
  var timeout_ms: Int
}

private struct Answer: Codable {
  struct Address: Codable {
    var address: String
    var port: Int
  }
  var reply: String
  var sender: Address
  var local: Address
  var target: String
  var bytes: Int
  var match: Bool
  var rtt_ms: Double
}

private let message = Array(#"{"message":"hello from client!!","timeout_ms":2000}"#.utf8)
private let answer = Answer(
  reply: "hello from client!!", sender: .init(address: "127.0.0.1", port: 9999),
  local: .init(address: "127.0.0.1", port: 53117), target: "echo", bytes: 19, match: true, rtt_ms: 0.084)

private func written() -> [UInt8] {
  func address(_ address: Answer.Address, _ json: inout JSONWriter) {
    json.member("address", address.address)
    json.member("port", address.port)
  }
  return JSONWriter.text { json in
    json.member("reply", answer.reply)
    json.object("sender") { address(answer.sender, &$0) }
    json.object("local") { address(answer.local, &$0) }
    json.member("target", answer.target)
    json.member("bytes", answer.bytes)
    json.member("match", answer.match)
    json.member("rtt_ms", number: "0.084")
  }
}

private let decoder = JSONDecoder()
private let encoder = JSONEncoder()
private let works: [(name: String, work: () throws -> Int)] = [
  ("read by ours", { if case .object(let members) = try JSONValue(parsing: message) { members.count } else { 0 } }),
  ("read by Foundation's", { try decoder.decode(Message.self, from: Data(message)).timeout_ms }),
  ("written by ours", { written().count }),
  ("written by Foundation's", { Array(try encoder.encode(answer)).count }),
]

/// Nanoseconds that one piece of work takes, over so many that the clock does not matter.
private func cost(_ work: () throws -> Int) rethrows -> Double {
  let count = 20_000
  var sum = 0
  let begin = MonotonicTime.now()
  for _ in 0..<count { sum &+= try work() }
  precondition(sum > 0, "nothing was read or written")
  return Double((MonotonicTime.now() - begin).count) / Double(count)
}

private var samples = works.map { _ in [Double]() }
for _ in 0..<9 {
  for (index, work) in works.enumerated() { samples[index].append(try cost(work.work)) }
}
private let medians = samples.map { $0.sorted()[$0.count / 2] }
for (work, median) in zip(works, medians) { print("\(work.name): \(Int(median.rounded())) ns") }
private let ratios = String(format: "reading %.2f, writing %.2f", medians[0] / medians[1], medians[2] / medians[3])
print("ours beside Foundation's: \(ratios)")
