import Synchronization

/// How many series there may be over all loops.
public final class SeriesBudget: Sendable {
  /// So many at most.
  public let limit: Int
  private let taken = Atomic<Int>(0)
  private let flying = Atomic<Int>(0)

  /// A budget of `limit` series.
  public init(limit: Int) {
    self.limit = limit
  }

  /// Series now: those that run, and those whose lines are still to be taken.
  public var count: Int { taken.load(ordering: .relaxed) }

  /// Series that run now.
  public var running: Int { flying.load(ordering: .relaxed) }

  /// There is no room for another one.
  public var isExhausted: Bool { count >= limit }

  /// Takes a series' place; false where there is none.
  func take() -> Bool {
    if taken.add(1, ordering: .relaxed).oldValue < limit { return true }
    giveBack()
    return false
  }

  /// Gives a series' place back.
  func giveBack() {
    taken.subtract(1, ordering: .relaxed)
  }

  func begin() {
    flying.add(1, ordering: .relaxed)
  }

  func end() {
    flying.subtract(1, ordering: .relaxed)
  }
}
