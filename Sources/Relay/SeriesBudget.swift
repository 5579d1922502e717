import Synchronization

/// How many series there may be over all loops.
public final class SeriesBudget: Sendable {
  /// So many at most.
  public let limit: Int
  private let taken = Atomic<Int>(0)

  /// A budget of `limit` series.
  public init(limit: Int) {
    self.limit = limit
  }

  /// Series now: those that run, and those whose lines are still to be taken.
  public var count: Int { taken.load(ordering: .relaxed) }

  /// There is no room for another one.
  public var isExhausted: Bool { count >= limit }

  /// Takes one series' place; false where there is none.
  func begin() -> Bool {
    if taken.add(1, ordering: .relaxed).oldValue < limit { return true }
    end()
    return false
  }

  /// Gives a series' place back.
  func end() {
    taken.subtract(1, ordering: .relaxed)
  }
}
