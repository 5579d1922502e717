import Basics
import Foundation
import Testing

@Suite struct AtomicCountsTests {
  @Test func whatThreadsCountAddsUp() {
    let counts = AtomicCounts(size: 1 << 16)
    DispatchQueue.concurrentPerform(iterations: 4) { thread in
      for number in 0..<10_000 {
        counts.add(1, to: number % 7)
        counts.add(1, to: 65_535)
        if number % 2 == 0 { counts.add(-1, to: 65_535) }
      }
    }
    #expect((0..<7).map { counts[$0] }.reduce(0, +) == 40_000)
    #expect(counts[65_535] == 20_000 && counts[7] == 0)
  }
}
