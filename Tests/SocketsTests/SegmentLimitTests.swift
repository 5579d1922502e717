import Basics
import SystemPackage
import Testing

@testable import Sockets

/// What is remembered of runs that the kernel did not take, on a clock of the tests' own.
@Suite struct SegmentLimitTests {
  private let start = MonotonicTime(nanoseconds: 1_000_000_000)
  private let receivers = (0..<20).map { IPAddress.v4(IPv4Address(bits: 0xC000_0200 + UInt32($0))) }

  private func after(_ seconds: Double) -> MonotonicTime { start + .seconds(seconds) }

  @Test(arguments: [Errno.invalidArgument, .messageTooLong])
  func aPathIsLimitedToSmallerDatagramsForAWhile(error: Errno) {
    var limit = SegmentLimit()
    #expect(limit.isEmpty && limit.allows(1400, to: receivers[0]))
    limit.learn(error, size: 1400, to: receivers[0], at: start)
    #expect(!limit.isEmpty)
    #expect(!limit.allows(1400, to: receivers[0]) && limit.allows(1399, to: receivers[0]))
    #expect(limit.allows(1400, to: receivers[1]))
    limit.forget(by: after(9.999))
    #expect(!limit.allows(1400, to: receivers[0]))
    limit.forget(by: after(10))
    #expect(limit.isEmpty && limit.allows(1400, to: receivers[0]))
  }

  @Test(arguments: [Errno.ioError, .protocolNotAvailable, .notSupportedOnSocket])
  func aDeviceThatCannotIsNotAskedForAWhile(error: Errno) {
    var limit = SegmentLimit()
    limit.learn(error, size: 1400, to: receivers[0], at: start)
    #expect(receivers.allSatisfy { !limit.allows(1, to: $0) } && !limit.isEmpty)
    limit.forget(by: after(9.999))
    #expect(!limit.allows(1, to: receivers[0]))
    limit.forget(by: after(10))
    #expect(limit.isEmpty && receivers.allSatisfy { limit.allows(1400, to: $0) })
  }

  @Test(arguments: [Errno.noBufferSpace, .notPermitted, .connectionRefused])
  func anotherErrorTeachesNothing(error: Errno) {
    var limit = SegmentLimit()
    limit.learn(error, size: 1400, to: receivers[0], at: start)
    #expect(limit.isEmpty)
  }

  @Test func theNewestRefusalOfAPathCounts() {
    var limit = SegmentLimit()
    limit.learn(.invalidArgument, size: 1400, to: receivers[0], at: start)
    limit.learn(.invalidArgument, size: 500, to: receivers[0], at: after(5))
    #expect(!limit.allows(500, to: receivers[0]) && limit.allows(499, to: receivers[0]))
    limit.forget(by: after(14.999))
    #expect(!limit.allows(500, to: receivers[0]))
    limit.forget(by: after(15))
    #expect(limit.isEmpty)
  }

  /// Whoever is forgotten for want of room is tried again, and is refused again at worst.
  @Test func asManyPathsAreRememberedAsThereIsRoomFor() {
    var limit = SegmentLimit()
    for (second, receiver) in receivers.enumerated() {
      limit.learn(.invalidArgument, size: 100, to: receiver, at: after(Double(second) / 100))
    }
    let known = receivers.filter { !limit.allows(100, to: $0) }
    #expect(known == Array(receivers.suffix(Limits.limitedPaths)))
  }
}
