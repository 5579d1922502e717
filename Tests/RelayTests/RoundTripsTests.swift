import Basics
import Relay
import TestSupport
import Testing

@Suite struct RoundTripsTests {
  private func roundTrips(_ values: some Sequence<Int64>) -> RoundTrips {
    values.reduce(into: RoundTrips()) { $0.add(Nanoseconds($1)) }
  }

  @Test func belowAHundredThe99thPercentileIsTheMaximum() {
    let few = roundTrips((1...99).shuffled())
    #expect(few.percentiles([50, 90, 99, 100, 1]).map { $0?.count } == [50, 90, 99, 99, 1])
    #expect(roundTrips([7]).percentiles([50, 90, 99]).map { $0?.count } == [7, 7, 7])
  }

  @Test func nothingIsNull() {
    let none = RoundTrips()
    #expect(none.min == nil && none.max == nil && none.mean == nil && none.standardDeviation == nil)
    #expect(none.jitter == nil && none.percentiles([50]) == [nil])
  }

  @Test func theDeviationDividesByTheirNumber() {
    let values = roundTrips([2, 4, 4, 4, 5, 5, 7, 9].map { $0 * 1_000_000 })
    #expect(values.mean == .milliseconds(5))
    #expect(values.standardDeviation == .milliseconds(2))
    #expect(roundTrips([3]).standardDeviation == .zero)
  }

  /// A million round trips, whose distribution has a long tail.
  @Test func pastTenThousandPercentilesAreWithinTheirErrorAndTheRestExact() {
    var random = SeededGenerator(seed: 11)
    let values = (0..<100_000).map { _ in Int64(30_000 + 1 / Double.random(in: 1e-6..<1, using: &random) * 1000) }
    let measured = roundTrips(values)
    let sorted = values.sorted()
    #expect(measured.count == sorted.count && measured.min?.count == sorted.first && measured.max?.count == sorted.last)
    for (percent, told) in zip(1...100, measured.percentiles(Array(1...100))) {
      let exact = Double(sorted[percent * 1000 - 1])
      #expect(abs(Double(told!.count) - exact) <= 0.004 * exact, "p\(percent)")
    }
    let mean = Double(values.reduce(0, +)) / 1e5
    let variance = values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / 1e5
    #expect(abs(Double(measured.mean!.count) - mean) <= 1)
    #expect(abs(Double(measured.standardDeviation!.count) - variance.squareRoot()) <= 2)
  }

  @Test func theTenThousandthIsExactAndTheNextOneKeepsThemAll() {
    var values = roundTrips((1...Int64(Limits.exactRoundTrips)).map { $0 * 1000 })
    #expect(values.percentiles([99])[0]?.count == Int64(Limits.exactRoundTrips) * 990)
    values.add(Nanoseconds(1))
    let exact = Double(Limits.exactRoundTrips) * 990
    #expect(abs(Double(values.percentiles([99])[0]!.count) - exact) < 0.004 * exact)
    #expect(values.percentiles([1, 100]).map { $0!.count }.last == Int64(Limits.exactRoundTrips) * 1000)
  }
}
