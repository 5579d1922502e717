public import Basics

/// What a series is to send, and when.
public struct ProbePlan: Sendable {
  /// How many datagrams; nil for as many as there is time for.
  public var count: Int?
  /// From one to the next; zero stands for "when the last is decided".
  public var interval: Nanoseconds
  /// From one to the next at least, where ``interval`` says nothing.
  public var gap = Nanoseconds.zero
  /// The payload's length in bytes, in ``Limits/probeSize``.
  public var size: Int
  /// From a send to its deadline.
  public var timeout: Nanoseconds
  /// How long it goes on sending; nil for as long as it takes.
  public var longest: Nanoseconds?
  /// How many duplicates are told; nil for all.
  public var listedDuplicates: Int?

  /// A plan without bounds.
  public init(count: Int?, interval: Nanoseconds, size: Int, timeout: Nanoseconds) {
    self.count = count
    self.interval = interval
    self.size = size
    self.timeout = timeout
  }

  /// When the next datagram is due: an open loop, so what was late before shifts nothing. nil where there is none, or
  /// the last has yet to be decided.
  ///
  /// - Parameters:
  ///   - sent: how many were sent before.
  ///   - isUndecided: one of them has neither come back nor met its deadline.
  ///   - earliest: before which none leaves where ``interval`` says nothing.
  func nextDue(
    after sent: Int, isUndecided: Bool, earliest: MonotonicTime, from start: MonotonicTime
  ) -> MonotonicTime? {
    if let count, sent >= count { return nil }
    let due: MonotonicTime
    if interval > .zero {
      due = start + Nanoseconds(interval.count * Int64(sent))
    } else {
      if isUndecided { return nil }
      due = earliest
    }
    if let longest, due - start > longest { return nil }
    return due
  }

  /// Whether that was all.
  func isComplete(after sent: Int) -> Bool { count == sent }
}
