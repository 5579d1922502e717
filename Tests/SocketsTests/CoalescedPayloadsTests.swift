import Sockets
import TestSupport
import Testing

@Suite struct CoalescedPayloadsTests {
  private func split(_ count: Int, size: Int?) -> [[UInt8]] {
    pattern(count).withUnsafeBytes { CoalescedPayloads($0, size: size).map { Array($0) } }
  }

  @Test(arguments: [
    (1024, 512, [512, 512]), (1025, 512, [512, 512, 1]), (1023, 512, [512, 511]), (512, 512, [512]), (511, 512, [511]),
    (3, 1, [1, 1, 1]), (65_507, 1472, Array(repeating: 1472, count: 44) + [739]), (0, 512, [0]),
  ])
  func whatCameAsOneIsCutIntoDatagramsOfItsSizeAndTheLastMayBeShorter(bytes: Int, size: Int, sizes: [Int]) {
    let datagrams = split(bytes, size: size)
    #expect(datagrams.map(\.count) == sizes)
    #expect(datagrams.flatMap { $0 } == pattern(bytes))
  }

  /// What the kernel says of a size is believed only where it can be one.
  @Test(arguments: [nil, 0, -1, Int.min, Int.max])
  func withoutASizeThereIsOneDatagramAnEmptyOneIncluded(size: Int?) {
    for bytes in [0, 1, 65_535] { #expect(split(bytes, size: size) == [pattern(bytes)]) }
  }

  @Test func theFirstOfThemHaveSoManyBytes() {
    pattern(25).withUnsafeBytes {
      let payloads = CoalescedPayloads($0, size: 10)
      #expect((0...3).map { payloads.byteCount(ofFirst: $0) } == [0, 10, 20, 25])
      #expect(payloads.dropFirst(2).map { Array($0) } == [Array(pattern(25)[20...])])
    }
  }
}
