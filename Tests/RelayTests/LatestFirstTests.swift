@testable import Relay
import Testing

@Suite struct LatestFirstTests {
  @Test func itHoldsWhatADictionaryHolds() {
    var random = SystemRandomNumberGenerator()
    var table = LatestFirst<Int, [Int]>()
    var truth: [Int: [Int]] = [:]
    for step in 0..<20_000 {
      let key = Int.random(in: 0..<12, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0:
        table[key] = nil
        truth[key] = nil
      case 1:
        table[key] = [step]
        truth[key] = [step]
      default:
        table[key]?.append(step)
        truth[key]?.append(step)
      }
      let looked = Int.random(in: 0..<12, using: &random)
      #expect(table[key] == truth[key] && table[looked] == truth[looked])
    }
    #expect(Set(table.keys) == Set(truth.keys))
  }
}
