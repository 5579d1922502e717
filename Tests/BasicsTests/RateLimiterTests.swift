import Basics
import TestSupport
import Testing

@Suite struct RateLimiterTests {
  private static func time(_ nanoseconds: Int64) -> MonotonicTime {
    MonotonicTime(nanoseconds: 5_000_000_000 + nanoseconds)
  }

  /// A bucket for every key there ever was, that counts what is in it: the same rule, told in another way.
  private struct Model {
    let interval: Int64
    let depth: Int64
    var buckets: [UInt64: (credit: Int64, since: MonotonicTime)] = [:]

    init(rate: Int) {
      interval = (1_000_000_000 + Int64(rate) - 1) / Int64(rate)
      depth = interval * Int64(rate)
    }

    /// What a key's bucket holds, in nanoseconds' worth.
    func credit(_ key: UInt64, at now: MonotonicTime) -> Int64 {
      guard let bucket = buckets[key] else { return depth }
      return min(depth, bucket.credit + (now - bucket.since).count)
    }

    func mayTake(_ key: UInt64, at now: MonotonicTime) -> Bool {
      credit(key, at: now) >= interval
    }

    mutating func take(_ key: UInt64, at now: MonotonicTime) {
      buckets[key] = (credit(key, at: now) - interval, now)
    }
  }

  @Test(arguments: [1, 3, 7, 100, 200, 999, 1_000_000])
  func aBurstIsOneSecondsWorthAndThenTheRateHolds(rate: Int) {
    var limiter = RateLimiter(rate: rate)
    for _ in 0..<rate { #expect(limiter.take(from: 1, at: Self.time(0)) == nil) }
    #expect(limiter.take(from: 1, at: Self.time(0)) != nil)
    var admitted = 0
    for step in 1...4000 where limiter.take(from: 1, at: Self.time(Int64(step) * 250_000)) == nil { admitted += 1 }
    #expect((rate - 1...rate).contains(admitted) || (rate > 4000 && admitted == 4000))
  }

  @Test func whoeverWaitsAsLongAsToldIsAdmittedAndNotAMomentBefore() throws {
    var limiter = RateLimiter(rate: 3)
    for _ in 0..<3 { _ = limiter.take(from: 1, at: Self.time(0)) }
    let told = limiter.take(from: 1, at: Self.time(1000))
    let wait = try #require(told)
    #expect(limiter.take(from: 1, at: Self.time(1000 + wait.count - 1)) == Nanoseconds(1))
    #expect(limiter.take(from: 1, at: Self.time(1000 + wait.count)) == nil)
  }

  /// A key that asks again and again is not kept out by that.
  @Test func aRefusedRequestCostsNothing() {
    var limiter = RateLimiter(rate: 10)
    for _ in 0..<10 { _ = limiter.take(from: 1, at: Self.time(0)) }
    for step in 1..<100 { #expect(limiter.take(from: 1, at: Self.time(Int64(step) * 1_000_000)) != nil) }
    #expect(limiter.take(from: 1, at: Self.time(100_000_000)) == nil)
  }

  /// As many keys as fit into one set: none is ever displaced.
  @Test(arguments: 0..<20)
  func itDecidesAsAModelWithoutBoundsDoes(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let rate = Int.random(in: 1...500, using: &random)
    var limiter = RateLimiter(rate: rate, sets: 1)
    var model = Model(rate: rate)
    var now = Self.time(0)
    var refused = 0
    for _ in 0..<20_000 {
      now = now + Nanoseconds(Int64.random(in: 0...Int64(300_000_000 / rate), using: &random))
      let key = UInt64.random(in: 0..<UInt64(RateLimiter.ways), using: &random)
      let expected = model.mayTake(key, at: now)
      #expect((limiter.take(from: key, at: now) == nil) == expected)
      if expected { model.take(key, at: now) } else { refused += 1 }
    }
    #expect(refused > 100)
  }

  /// Many more keys than there are buckets: who is admitted had a token by the model too, and all together never have
  /// more than the buckets' rates.
  @Test(arguments: 0..<20)
  func inAFloodNoKeyGetsMoreThanItsRate(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let rate = Int.random(in: 1...50, using: &random)
    var limiter = RateLimiter(rate: rate, sets: 2)
    var model = Model(rate: rate)
    var now = Self.time(0)
    var admitted = 0
    for _ in 0..<20_000 {
      now = now + Nanoseconds(Int64.random(in: 0...200_000, using: &random))
      // A few keys that insist among a thousand that come and go.
      let key =
        Bool.random(using: &random)
        ? UInt64.random(in: 0..<6, using: &random) : UInt64.random(in: 6..<1000, using: &random)
      guard limiter.take(from: key, at: now) == nil else { continue }
      #expect(model.mayTake(key, at: now))
      model.take(key, at: now)
      admitted += 1
    }
    let seconds = (now - Self.time(0)).seconds
    let most = Double(2 * RateLimiter.ways * rate) * (1 + seconds)
    #expect(Double(admitted) <= most && Double(admitted) > most * 0.5)
  }

  /// What a key owes is not forgotten because others came meanwhile.
  @Test func aLimitedKeyIsNotFreedByAFloodOfOthers() {
    var limiter = RateLimiter(rate: 10, sets: 1)
    for _ in 0..<10 { _ = limiter.take(from: 1, at: Self.time(0)) }
    for other in UInt64(2)..<1000 { _ = limiter.take(from: other, at: Self.time(0)) }
    #expect(limiter.take(from: 1, at: Self.time(0)) != nil)
    #expect(limiter.take(from: 2000, at: Self.time(0)) != nil)
    #expect(limiter.take(from: 2000, at: Self.time(1_000_000_000)) == nil)
  }

  /// With the table's real size a flood from forged networks leaves a quiet one its answers.
  @Test func aFloodFromForgedNetworksLeavesAQuietOneAlone() {
    var random = SeededGenerator(seed: 1)
    var limiter = RateLimiter(rate: 200)
    var refused = 0
    for step in 0..<300_000 {
      let now = Self.time(Int64(step) * 3333)
      _ = limiter.take(from: random.next() | 1, at: now)
      if step % 3000 == 0, limiter.take(from: 2, at: now) != nil { refused += 1 }
    }
    #expect(refused == 0)
  }
}
