import Synchronization

/// Counters by number that threads share without a lock, in memory that is made once.
///
/// `@unchecked Sendable`: the table never changes its place, and each of its counters is atomic. Of those an array can
/// be made by hand only, since they cannot be copied.
public final class AtomicCounts: @unchecked Sendable {
  private let table: UnsafeMutablePointer<Atomic<Int32>>
  private let size: Int

  /// Counters for the numbers below `size`, all zero.
  public init(size: Int) {
    self.size = size
    table = .allocate(capacity: size)
    for index in 0..<size { (table + index).initialize(to: Atomic(0)) }
  }

  deinit {
    table.deinitialize(count: size)
    table.deallocate()
  }

  /// How many there are of a number.
  public subscript(number: Int) -> Int {
    precondition(0..<size ~= number)
    return Int(table[number].load(ordering: .relaxed))
  }

  /// Counts one more, or one less.
  public func add(_ difference: Int, to number: Int) {
    precondition(0..<size ~= number)
    table[number].add(Int32(difference), ordering: .relaxed)
  }
}
