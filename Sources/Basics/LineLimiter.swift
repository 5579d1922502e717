/// Keeps what can happen thousands of times a second from filling a log: one line of a class a second, the others
/// counted.
public struct LineLimiter: Sendable {
  private var windowEnds: MonotonicTime?
  private var written = 0
  private var suppressed = 0

  /// A limiter that has seen nothing.
  public init() {}

  /// Whether a line may be written now.
  ///
  /// - Returns: nil where it may not; else how many were suppressed since the last that was written.
  public mutating func admit(at now: MonotonicTime) -> Int? {
    if windowEnds.map({ now >= $0 }) ?? true {
      windowEnds = now + .seconds(1)
      written = 0
    }
    guard written < Limits.logLinesPerSecond else {
      suppressed += 1
      return nil
    }
    written += 1
    defer { suppressed = 0 }
    return suppressed
  }

  /// When what was suppressed is to be told if no line comes before; nil where all is told.
  public var tellsAt: MonotonicTime? {
    suppressed > 0 ? windowEnds : nil
  }

  /// Takes a line for what was suppressed, if it is time: a flood that has ended brings no line of its own.
  ///
  /// - Returns: how many were suppressed; nil where there is nothing to tell, or not yet.
  public mutating func tell(at now: MonotonicTime) -> Int? {
    guard let tellsAt, now >= tellsAt else { return nil }
    return admit(at: now)
  }
}
