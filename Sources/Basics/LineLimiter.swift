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
}
