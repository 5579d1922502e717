import Basics
import Relay
import Sockets
import Testing

@Suite struct IdleTargetTests {
  let target = SocketAddress("192.0.2.1:7")!
  let begin = MonotonicTime(nanoseconds: 0)

  /// How many targets the pool remembers; that is private, and only its memory tells.
  func remembered(_ pool: SocketPool) -> Int? {
    Mirror(reflecting: pool).descendant("destinations", "places").map { Mirror(reflecting: $0).children.count }
  }

  /// A pool that has heard surplus from the target, and whose sockets are all closed.
  func noisyPool() -> SocketPool {
    var pool = SocketPool(capacity: 1)
    _ = pool.take(for: target, fresh: false, at: begin)
    pool.opened(0, for: target)
    pool.retire(0, at: begin)
    _ = pool.heardSurplus(0, at: begin)
    _ = pool.popExpired(at: begin + Limits.retirement)
    return pool
  }

  func choiceAtTheCap(_ pool: inout SocketPool, at time: MonotonicTime) -> SocketPool.Choice {
    _ = pool.take(for: target, fresh: true, at: time)
    pool.opened(0, for: target)
    _ = pool.rest(0, at: time)
    return pool.take(for: target, fresh: false, at: time)
  }

  @Test func manyTargetsThatWereAskedOnceAreForgotten() {
    var pool = SocketPool(capacity: 4)
    for number in 0..<1000 {
      let target = SocketAddress(.v4(IPv4Address(bits: UInt32(number))), port: 7)
      _ = pool.take(for: target, fresh: false, at: begin)
      pool.opened(0, for: target)
      pool.retire(0, at: begin)
      #expect(pool.popExpired(at: begin + Limits.retirement)?.id == 0)
    }
    #expect(remembered(pool) == 1000)
    pool.forgetIdleTargets(at: begin + Limits.retirement)
    #expect(remembered(pool) == 0)
  }

  @Test func aTargetWithASocketIsRemembered() {
    var pool = SocketPool(capacity: 4)
    _ = pool.take(for: target, fresh: false, at: begin)
    pool.forgetIdleTargets(at: begin + .seconds(3600))
    #expect(remembered(pool) == 1, "its socket is being opened")
    pool.opened(0, for: target)
    pool.forgetIdleTargets(at: begin + .seconds(3600))
    #expect(remembered(pool) == 1, "its socket is in flight")
    _ = pool.rest(0, at: begin + .seconds(3600))
    pool.forgetIdleTargets(at: begin + .seconds(3601))
    #expect(pool.take(for: target, fresh: false, at: begin + .seconds(3601)) == .reuse(0))
  }

  @Test func noiseIsRememberedForItsTime() {
    var pool = noisyPool()
    let early = begin + Limits.quietBeforeEarlyReuse - Nanoseconds(1)
    pool.forgetIdleTargets(at: early)
    #expect(choiceAtTheCap(&pool, at: early) == .none)
  }

  @Test func noiseIsForgottenAfterItsTime() {
    var pool = noisyPool()
    let late = begin + Limits.quietBeforeEarlyReuse
    pool.forgetIdleTargets(at: late)
    #expect(remembered(pool) == 0)
    #expect(choiceAtTheCap(&pool, at: late) == .reuse(0))
  }

  @Test func aTargetIsRememberedWhileASocketOfItsIsRetired() {
    var pool = SocketPool(capacity: 1)
    _ = pool.take(for: target, fresh: false, at: begin)
    pool.opened(0, for: target)
    pool.retire(0, at: begin)
    pool.forgetIdleTargets(at: begin)
    #expect(remembered(pool) == 1)
    #expect(pool.heardSurplus(0, at: begin + .seconds(1)) == false)
    _ = pool.popExpired(at: begin + Limits.retirement)
    #expect(choiceAtTheCap(&pool, at: begin + Limits.retirement) == .none, "the target is noisy")
  }
}
