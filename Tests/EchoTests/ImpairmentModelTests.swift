import Basics
import TestSupport
import Testing

@testable import Echo

/// Fates of ten thousand datagrams, without a socket or a clock.
@Suite struct ImpairmentModelTests {
  static let count = 10_000

  private static func fates(
    of count: Int = count, bytes: Int = 100, seed: UInt64 = 1, _ set: (inout Impairments) -> Void
  ) -> [Fate] {
    var impairments = Impairments()
    impairments.seed = seed
    set(&impairments)
    var model = ImpairmentModel(impairments)
    return (0..<count).map { _ in model.nextFate(bytes: bytes, headers: 28) }
  }

  /// Whether a count out of so many is within four standard deviations of a share.
  private static func isShare(_ count: Int, of total: Int, percent: Double) -> Bool {
    let share = percent / 100
    let deviation = (Double(total) * share * (1 - share)).squareRoot()
    return abs(Double(count) - Double(total) * share) <= 4 * deviation
  }

  @Test(arguments: [0, 0.1, 1, 10, 50, 99, 100], 1...3 as ClosedRange<UInt64>)
  func everyShareIsWithinFourStandardDeviations(percent: Double, seed: UInt64) {
    let lost = Self.fates(seed: seed) { $0.lossPercent = percent }
    #expect(Self.isShare(lost.count { $0.loss == .loss }, of: Self.count, percent: percent))
    #expect(lost.allSatisfy { $0.loss == nil || $0.copies.isEmpty })
    let duplicated = Self.fates(seed: seed) { $0.duplicatePercent = percent }
    #expect(Self.isShare(duplicated.count { $0.copies.count == 2 }, of: Self.count, percent: percent))
    let corrupted = Self.fates(seed: seed) { $0.corruptPercent = percent }
    #expect(Self.isShare(corrupted.count { $0.copies[0].flippedBit != nil }, of: Self.count, percent: percent))
    let reordered = Self.fates(seed: seed) {
      $0.delayMilliseconds = 10
      $0.reorderPercent = percent
    }
    #expect(Self.isShare(reordered.count { $0.copies[0].isReordered }, of: Self.count, percent: percent))
    #expect(reordered.allSatisfy { $0.copies[0].delay == ($0.copies[0].isReordered ? .zero : .milliseconds(10)) })
  }

  /// Both copies have their share of everything behind the duplicate.
  @Test func copiesAreImpairedEachByItself() {
    let fates = Self.fates {
      $0.duplicatePercent = 100
      $0.corruptPercent = 30
      $0.delayMilliseconds = 10
      $0.reorderPercent = 20
    }
    for index in 0...1 {
      #expect(Self.isShare(fates.count { $0.copies[index].flippedBit != nil }, of: Self.count, percent: 30))
      #expect(Self.isShare(fates.count { $0.copies[index].isReordered }, of: Self.count, percent: 20))
    }
    let both = fates.count { $0.copies.allSatisfy { $0.flippedBit != nil } }
    #expect(Self.isShare(both, of: Self.count, percent: 9))
  }

  @Test func settingsDrawIndependently() {
    let fates = Self.fates {
      $0.duplicatePercent = 50
      $0.corruptPercent = 50
      $0.delayMilliseconds = 10
      $0.jitterMilliseconds = 10
    }
    let jittered = fates.filter { $0.copies[0].delay > .milliseconds(10) }
    #expect(Self.isShare(jittered.count, of: Self.count, percent: 50))
    #expect(Self.isShare(jittered.count { $0.copies[0].flippedBit != nil }, of: jittered.count, percent: 50))
    #expect(Self.isShare(jittered.count { $0.copies.count == 2 }, of: jittered.count, percent: 50))
  }

  @Test(arguments: 1...5 as ClosedRange<UInt64>)
  func uniformDelaysHaveTheirMeanAndSpread(seed: UInt64) {
    let delays = Self.fates(seed: seed) { ($0.delayMilliseconds, $0.jitterMilliseconds) = (50, 20) }.map(Self.delay)
    #expect(delays.allSatisfy { (30...70).contains($0) })
    let spread = 20 / 3.0.squareRoot()
    // The kurtosis of the uniform distribution is 1.8.
    Self.expect(delays, mean: 50, spread: spread, kurtosis: 1.8)
  }

  @Test(arguments: 1...5 as ClosedRange<UInt64>)
  func normalDelaysHaveTheirMeanAndSpread(seed: UInt64) {
    let delays = Self.fates(seed: seed) {
      ($0.delayMilliseconds, $0.jitterMilliseconds, $0.distribution) = (100, 10, .normal)
    }.map(Self.delay)
    Self.expect(delays, mean: 100, spread: 10, kurtosis: 3)
    // What the bell curve has within one and two standard deviations.
    #expect(Self.isShare(delays.count { abs($0 - 100) < 10 }, of: delays.count, percent: 68.269))
    #expect(Self.isShare(delays.count { abs($0 - 100) < 20 }, of: delays.count, percent: 95.450))
  }

  @Test func aDelayBelowNoneIsNone() {
    let fates = Self.fates { ($0.jitterMilliseconds, $0.distribution) = (10, .normal) }
    #expect(fates.allSatisfy { $0.copies[0].delay >= .zero })
    let atOnce = fates.filter { $0.copies[0].delay == .zero }
    #expect(Self.isShare(atOnce.count, of: Self.count, percent: 50))
    #expect(atOnce.allSatisfy { $0.kinds.isEmpty })
  }

  private static func delay(_ fate: Fate) -> Double { fate.copies[0].delay.seconds * 1000 }

  private static func expect(_ values: [Double], mean: Double, spread: Double, kurtosis: Double) {
    let count = Double(values.count)
    let found = values.reduce(0, +) / count
    #expect(abs(found - mean) <= 4 * spread / count.squareRoot())
    let deviation = (values.reduce(0) { $0 + ($1 - found) * ($1 - found) } / count).squareRoot()
    #expect(abs(deviation - spread) <= 4 * spread * ((kurtosis - 1) / (4 * count)).squareRoot())
  }

  @Test(arguments: 1...5 as ClosedRange<UInt64>)
  func burstsHaveTheirShareAndLength(seed: UInt64) {
    let fates = Self.fates(seed: seed) { $0.burstLoss = .init(enterPercent: 5, leavePercent: 25) }
    var bursts: [Int] = []
    var previous = false
    for fate in fates {
      let isLost = fate.loss == .burstLoss
      if isLost, previous { bursts[bursts.count - 1] += 1 } else if isLost { bursts.append(1) }
      previous = isLost
    }
    let lost = Double(bursts.reduce(0, +))
    #expect(abs(lost / Double(bursts.count) - 4) <= 0.2 * 4)
    let share = 5.0 / (5 + 25)
    #expect(abs(lost / Double(Self.count) - share) <= 0.2 * share)
  }

  @Test func aBurstThatIsNeverLeftLosesAllAndAnotherChainBeginsGood() {
    var impairments = Impairments()
    (impairments.seed, impairments.burstLoss) = (1, .init(enterPercent: 100, leavePercent: 0))
    var model = ImpairmentModel(impairments)
    for _ in 0..<100 { #expect(model.nextFate(bytes: 1, headers: 28).loss == .burstLoss) }
    impairments.burstLoss = nil
    model.impairments = impairments
    #expect(model.nextFate(bytes: 1, headers: 28).loss == nil)
    impairments.burstLoss = .init(enterPercent: 0, leavePercent: 0)
    model.impairments = impairments
    #expect(model.nextFate(bytes: 1, headers: 28).loss == nil)
  }
}

/// One bit, one rate, one seed.
@Suite struct ImpairmentSequenceTests {
  private static func model(seed: UInt64 = 7, _ set: (inout Impairments) -> Void) -> ImpairmentModel {
    var impairments = Impairments()
    impairments.seed = seed
    set(&impairments)
    return ImpairmentModel(impairments)
  }

  @Test func everyBitOfAPayloadIsFlippedAsOften() {
    var model = Self.model { $0.corruptPercent = 100 }
    var counts = [Int](repeating: 0, count: 40)
    for _ in 0..<20_000 { counts[model.nextFate(bytes: 5, headers: 28).copies[0].flippedBit!] += 1 }
    let deviation = (20_000.0 / 40 * (39.0 / 40)).squareRoot()
    #expect(counts.allSatisfy { abs(Double($0) - 500) <= 5 * deviation })
    #expect(model.nextFate(bytes: 0, headers: 28).kinds.isEmpty)
  }

  @Test func theRateCountsHeaders() {
    var model = Self.model { $0.rateKilobits = 1000 }
    // 97 + 28 bytes are a thousand bits.
    #expect(model.nextFate(bytes: 97, headers: 28).copies[0].transmission == .milliseconds(1))
    #expect(model.nextFate(bytes: 0, headers: 48).copies[0].transmission == Nanoseconds(384_000))
    #expect(model.nextFate(bytes: 97, headers: 28).kinds == [.rate])
  }

  @Test func theSameSeedAndDatagramsMeetTheSameFates() {
    func fates(_ seed: UInt64) -> [Fate] {
      var model = Self.model(seed: seed) {
        ($0.lossPercent, $0.duplicatePercent, $0.corruptPercent) = (10, 10, 10)
        ($0.delayMilliseconds, $0.jitterMilliseconds, $0.reorderPercent) = (10, 5, 10)
        ($0.distribution, $0.burstLoss) = (.normal, .init(enterPercent: 1, leavePercent: 30))
      }
      return (0..<1000).map { model.nextFate(bytes: $0, headers: 28) }
    }
    #expect(fates(7) == fates(7))
    #expect(fates(7) != fates(8))
    // The last of a sequence is not the first of its neighbour's.
    #expect(fates(0).map(\.kinds) != fates(1).map(\.kinds))
  }

  @Test func changingOneSettingLeavesWhatTheOthersDraw() {
    var alone = Self.model { $0.corruptPercent = 20 }
    var among = Self.model {
      ($0.corruptPercent, $0.lossPercent, $0.duplicatePercent) = (20, 30, 50)
      ($0.delayMilliseconds, $0.jitterMilliseconds, $0.distribution) = (10, 10, .normal)
    }
    for _ in 0..<2000 {
      let (first, second) = (alone.nextFate(bytes: 64, headers: 28), among.nextFate(bytes: 64, headers: 28))
      if second.loss == nil { #expect(first.copies[0].flippedBit == second.copies[0].flippedBit) }
    }
  }

  /// The n-th datagram since the seed was set meets the n-th fate, whatever was set in between.
  @Test func aChangeGoesOnWithTheSequence() {
    func losses(_ model: inout ImpairmentModel, _ count: Int) -> [Bool] {
      (0..<count).map { _ in model.nextFate(bytes: 1, headers: 28).loss != nil }
    }
    var whole = Self.model { $0.lossPercent = 50 }
    let expected = losses(&whole, 300)
    var changed = Self.model { $0.lossPercent = 50 }
    let first = losses(&changed, 100)
    changed.impairments.lossPercent = 0
    _ = losses(&changed, 100)
    changed.impairments.lossPercent = 50
    #expect(first == Array(expected[..<100]))
    #expect(losses(&changed, 100) == Array(expected[200...]))
  }

  @Test func whatWasDoneIsNamedInTheOrderInWhichItActs() {
    var model = Self.model {
      ($0.duplicatePercent, $0.corruptPercent, $0.delayMilliseconds, $0.rateKilobits) = (100, 100, 1, 10)
    }
    #expect(
      model.nextFate(bytes: 1, headers: 28).kinds == [.duplicate, .corrupt, .delay, .rate, .corrupt, .delay, .rate])
    model.impairments.reorderPercent = 100
    model.impairments.duplicatePercent = 0
    #expect(model.nextFate(bytes: 1, headers: 28).kinds == [.corrupt, .reorder, .rate])
    model.impairments.lossPercent = 100
    #expect(model.nextFate(bytes: 1, headers: 28).kinds == [.loss])
  }
}
