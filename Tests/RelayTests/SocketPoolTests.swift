import Basics
import Relay
import Sockets
import Testing

@Suite struct SocketPoolTests {
  static let targetA = SocketAddress("192.0.2.1:7")!
  static let targetB = SocketAddress("192.0.2.2:7")!

  let a = targetA
  let b = targetB
  let begin = MonotonicTime(nanoseconds: 1_000_000_000_000)

  /// A pool in which `ids` rest for `target`, in this order, a nanosecond apart from `time` on.
  func pool(capacity: Int, resting ids: Range<Int>, for target: SocketAddress, at time: MonotonicTime) -> SocketPool {
    var pool = SocketPool(capacity: capacity)
    for id in ids {
      _ = pool.take(for: target, fresh: true, at: time)
      pool.opened(id, for: target)
    }
    for (count, id) in ids.enumerated() { _ = pool.rest(id, at: time + Nanoseconds(Int64(count))) }
    return pool
  }

  // MARK: Reuse

  @Test func theFirstMessageOpensASocket() {
    var pool = SocketPool(capacity: 8)
    #expect(pool.take(for: a, fresh: false, at: begin) == .open)
    pool.opened(0, for: a)
    #expect(pool.count == 1)
    #expect(pool.restingCount == 0)
    #expect(pool.retiredCount == 0)
  }

  @Test func aSocketIsReusedAfterItsRestAndNotANanosecondBefore() {
    var early = pool(capacity: 64, resting: 0..<1, for: a, at: begin)
    #expect(early.take(for: a, fresh: false, at: begin + Limits.rest - Nanoseconds(1)) == .open)
    #expect(early.restingCount == 1)
    var due = pool(capacity: 64, resting: 0..<1, for: a, at: begin)
    #expect(due.take(for: a, fresh: false, at: begin + Limits.rest) == .reuse(0))
    #expect(due.restingCount == 0)
    #expect(due.count == 1)
  }

  @Test func theLongestRestedIsReusedFirst() {
    var pool = SocketPool(capacity: 64)
    for id in 0..<4 {
      _ = pool.take(for: a, fresh: false, at: begin)
      pool.opened(id, for: a)
    }
    for (count, id) in [2, 0, 3, 1].enumerated() { _ = pool.rest(id, at: begin + .milliseconds(count)) }
    let later = begin + .seconds(1)
    let order = (0..<4).map { _ in pool.take(for: a, fresh: false, at: later) }
    #expect(order == [.reuse(2), .reuse(0), .reuse(3), .reuse(1)])
    #expect(pool.take(for: a, fresh: false, at: later) == .open)
  }

  @Test func aReusedSocketRestsAgainFromItsNewReply() {
    var pool = pool(capacity: 64, resting: 0..<1, for: a, at: begin)
    let again = begin + Limits.rest
    #expect(pool.take(for: a, fresh: false, at: again) == .reuse(0))
    _ = pool.rest(0, at: again)
    #expect(pool.take(for: a, fresh: false, at: again + Limits.rest - Nanoseconds(1)) == .open)
    #expect(pool.take(for: a, fresh: false, at: again + Limits.rest) == .reuse(0))
  }

  @Test func aSocketServesItsOwnTargetAlone() {
    var pool = pool(capacity: 64, resting: 0..<3, for: a, at: begin)
    #expect(pool.take(for: b, fresh: false, at: begin + .seconds(5)) == .open)
    var portDiffers = a
    portDiffers.port += 1
    #expect(pool.take(for: portDiffers, fresh: false, at: begin + .seconds(5)) == .open)
    #expect(pool.restingCount == 3)
  }

  @Test func aSocketInFlightIsNeverChosen() {
    var pool = SocketPool(capacity: 64)
    _ = pool.take(for: a, fresh: false, at: begin)
    pool.opened(0, for: a)
    #expect(pool.take(for: a, fresh: false, at: begin + .seconds(100)) == .open)
  }

  @Test func freshOpensEvenWhereOneHasRested() {
    var pool = pool(capacity: 8, resting: 0..<8, for: a, at: begin)
    #expect(pool.take(for: a, fresh: true, at: begin + .seconds(2)) == .open)
    #expect(pool.restingCount == 8)
  }

  @Test func aSocketThatCouldNotBeOpenedLeavesNothingBehind() {
    var pool = SocketPool(capacity: 2)
    for _ in 0..<10 {
      #expect(pool.take(for: a, fresh: false, at: begin) == .open)
      pool.abandoned(a)
    }
    #expect(pool.count == 0)
    // Were those ten still counted in flight, the next would find the pool at its cap.
    _ = pool.take(for: a, fresh: false, at: begin)
    pool.opened(0, for: a)
    _ = pool.rest(0, at: begin)
    #expect(pool.take(for: a, fresh: false, at: begin) == .open)
  }

  // MARK: At the cap

  @Test func belowTheCapNothingIsReusedEarly() {
    var pool = pool(capacity: 8, resting: 0..<4, for: a, at: begin)
    #expect(pool.take(for: a, fresh: false, at: begin + .milliseconds(1)) == .open)
  }

  @Test func atTheCapTheLongestRestedOfAQuietTargetIsReusedEarly() {
    var pool = pool(capacity: 8, resting: 0..<8, for: a, at: begin)
    #expect(pool.take(for: a, fresh: false, at: begin + .milliseconds(1)) == .reuse(0))
    #expect(pool.take(for: a, fresh: false, at: begin + .milliseconds(1)) == .reuse(1))
  }

  @Test func atTheCapANoisyTargetGetsNone() {
    var pool = pool(capacity: 8, resting: 0..<9, for: a, at: begin)
    #expect(pool.retiredCount == 1)
    #expect(pool.heardSurplus(0, at: begin) == false)
    #expect(pool.take(for: a, fresh: false, at: begin + .milliseconds(1)) == .none)
    #expect(pool.restingCount == 8)
    #expect(pool.take(for: a, fresh: false, at: begin + Limits.rest + .milliseconds(1)) == .reuse(1), "it has rested")
  }

  @Test func aTargetIsNoisyForAMinuteAndNotANanosecondLonger() {
    let late = begin + Limits.quietBeforeEarlyReuse
    for (time, expected) in [(late - Nanoseconds(1), SocketPool.Choice.none), (late, .reuse(1))] {
      var pool = SocketPool(capacity: 2)
      for id in 0..<3 {
        _ = pool.take(for: a, fresh: true, at: begin)
        pool.opened(id, for: a)
      }
      pool.retire(0, at: begin)
      _ = pool.heardSurplus(0, at: begin)
      for id in 1...2 { _ = pool.rest(id, at: time) }
      #expect(pool.take(for: a, fresh: false, at: time) == expected)
    }
  }

  @Test func oneTargetsNoiseIsNotAnothers() {
    var pool = SocketPool(capacity: 2)
    for (id, target) in [a, b, b].enumerated() {
      _ = pool.take(for: target, fresh: true, at: begin)
      pool.opened(id, for: target)
    }
    pool.retire(0, at: begin)
    _ = pool.heardSurplus(0, at: begin)
    for id in 1...2 { _ = pool.rest(id, at: begin) }
    #expect(pool.take(for: b, fresh: false, at: begin) == .reuse(1))
  }

  @Test func aMessageThatGotNoSocketIsNotInFlight() {
    var pool = pool(capacity: 2, resting: 0..<3, for: a, at: begin)
    _ = pool.heardSurplus(0, at: begin)
    for _ in 0..<10 { #expect(pool.take(for: a, fresh: false, at: begin) == .none) }
    // Both resting sockets hear surplus: were the ten in flight, nothing could tell that the pool is empty.
    #expect(pool.heardSurplus(1, at: begin) == true)
    #expect(pool.heardSurplus(2, at: begin) == true)
    #expect(pool.take(for: a, fresh: false, at: begin) == .open)
    pool.opened(3, for: a)
    _ = pool.rest(3, at: begin)
    #expect(pool.take(for: b, fresh: false, at: begin) == .open)
  }

  // MARK: Retirement

  @Test func surplusRetiresARestingSocketForGood() {
    var pool = pool(capacity: 64, resting: 0..<2, for: a, at: begin)
    #expect(pool.heardSurplus(0, at: begin + .milliseconds(1)) == true)
    #expect(pool.restingCount == 1)
    #expect(pool.retiredCount == 1)
    #expect(pool.heardSurplus(0, at: begin + .milliseconds(2)) == false, "it is retired once")
    #expect(pool.take(for: a, fresh: false, at: begin + .seconds(1)) == .reuse(1))
    #expect(pool.take(for: a, fresh: false, at: begin + .seconds(1)) == .open)
  }

  @Test func surplusInFlightRetiresNothing() {
    var pool = SocketPool(capacity: 8)
    _ = pool.take(for: a, fresh: false, at: begin)
    pool.opened(0, for: a)
    #expect(pool.heardSurplus(0, at: begin) == false)
    #expect(pool.retiredCount == 0)
    #expect(pool.rest(0, at: begin) == nil)
    #expect(pool.restingCount == 1)
  }

  @Test func aRetiredSocketExpiresAfterItsTimeAndNotBefore() {
    var pool = SocketPool(capacity: 8)
    _ = pool.take(for: a, fresh: false, at: begin)
    pool.opened(0, for: a)
    pool.retire(0, at: begin)
    #expect(pool.popExpired(at: begin + Limits.retirement - Nanoseconds(1)) == nil)
    #expect(pool.count == 1)
    let expired = pool.popExpired(at: begin + Limits.retirement)
    #expect(expired?.id == 0)
    #expect(expired?.wasRetired == true)
    #expect(pool.count == 0)
    #expect(pool.retiredCount == 0)
    #expect(pool.popExpired(at: begin + .seconds(1000)) == nil)
  }

  @Test func anIdleSocketExpiresAfterItsTimeAndNotBefore() {
    var pool = pool(capacity: 8, resting: 0..<1, for: a, at: begin)
    #expect(pool.popExpired(at: begin + Limits.idleSocket - Nanoseconds(1)) == nil)
    let expired = pool.popExpired(at: begin + Limits.idleSocket)
    #expect(expired?.id == 0)
    #expect(expired?.wasRetired == false)
    #expect(pool.count == 0)
    #expect(pool.restingCount == 0)
    #expect(pool.take(for: a, fresh: false, at: begin + Limits.idleSocket) == .open)
  }

  @Test func aSocketThatWasRetiredAtRestExpiresOnce() {
    var pool = pool(capacity: 8, resting: 0..<1, for: a, at: begin)
    #expect(pool.heardSurplus(0, at: begin + .seconds(25)) == true)
    #expect(pool.popExpired(at: begin + .seconds(31)) == nil, "it is retired now, not idle")
    #expect(pool.popExpired(at: begin + .seconds(35))?.wasRetired == true)
    #expect(pool.popExpired(at: begin + .seconds(1000)) == nil)
  }

  @Test func aNumberGivenAgainIsANewSocket() {
    var pool = pool(capacity: 8, resting: 0..<1, for: a, at: begin)
    _ = pool.heardSurplus(0, at: begin)
    _ = pool.popExpired(at: begin + .seconds(10))
    _ = pool.take(for: b, fresh: false, at: begin + .seconds(10))
    pool.opened(0, for: b)
    _ = pool.rest(0, at: begin + .seconds(10))
    #expect(pool.take(for: a, fresh: false, at: begin + .seconds(20)) == .open, "it is b's now")
    #expect(pool.take(for: b, fresh: false, at: begin + .seconds(20)) == .reuse(0))
  }

  @Test func pastTheCapacityTheLongestRestedOfAllIsRetired() {
    var pool = SocketPool(capacity: 2)
    for (id, target) in [a, b, a].enumerated() {
      _ = pool.take(for: target, fresh: true, at: begin)
      pool.opened(id, for: target)
    }
    #expect(pool.rest(1, at: begin) == nil)
    #expect(pool.rest(0, at: begin + .milliseconds(1)) == nil)
    #expect(pool.rest(2, at: begin + .milliseconds(2)) == .retired(1))
    #expect(pool.restingCount == 2)
    #expect(pool.retiredCount == 1)
    #expect(pool.take(for: b, fresh: false, at: begin + .seconds(1)) == .open)
    #expect(pool.take(for: a, fresh: false, at: begin + .seconds(1)) == .reuse(0))
  }

  @Test func aSocketIsRetiredOnlyOnce() async {
    await #expect(processExitsWith: .failure) {
      var pool = SocketPool(capacity: 2)
      let now = MonotonicTime(nanoseconds: 0)
      _ = pool.take(for: SocketPoolTests.targetA, fresh: false, at: now)
      pool.opened(0, for: SocketPoolTests.targetA)
      pool.retire(0, at: now)
      pool.retire(0, at: now)
    }
  }
}
