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
        table.remove(key, leaving: [])
        truth[key] = nil
      case 1:
        let place = table.place(of: key, else: [step])
        truth[key] = truth[key] ?? [step]
        #expect(table[place] == truth[key])
      default:
        guard let place = table.places[key] else { continue }
        table[place].append(step)
        truth[key]!.append(step)
      }
      let looked = Int.random(in: 0..<12, using: &random)
      #expect(table.places[looked].map { table[$0] } == truth[looked])
    }
    #expect(Set(table.places.keys) == Set(truth.keys))
  }

  @Test func aKeyKeepsItsPlaceUntilItIsForgotten() {
    var table = LatestFirst<String, Int>()
    let place = table.place(of: "a", else: 1)
    for count in 0..<100 { _ = table.place(of: "\(count)", else: count) }
    #expect(table.place(of: "a", else: 2) == place && table[place] == 1)
    table.remove("a", leaving: 0)
    #expect(table.place(of: "b", else: 3) == place && table[place] == 3, "a free place is used again")
    #expect(table[table.place(of: "a", else: 4)] == 4)
  }
}
