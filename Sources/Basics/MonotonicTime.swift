import Glibc

/// A point in time on `CLOCK_MONOTONIC`: it never goes back, and it means nothing on another machine
/// (clock_gettime(2)).
public struct MonotonicTime: Comparable, Hashable, Sendable {
  /// Nanoseconds since an unspecified start, usually the machine's.
  public var nanoseconds: Int64

  /// A point by its nanoseconds; what tests make their clocks of.
  public init(nanoseconds: Int64) {
    self.nanoseconds = nanoseconds
  }

  /// The clock's present reading.
  public static func now() -> MonotonicTime {
    MonotonicTime(nanoseconds: readClock(CLOCK_MONOTONIC))
  }

  public static func < (left: MonotonicTime, right: MonotonicTime) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  public static func + (time: MonotonicTime, span: Nanoseconds) -> MonotonicTime {
    MonotonicTime(nanoseconds: time.nanoseconds + span.count)
  }

  public static func - (time: MonotonicTime, span: Nanoseconds) -> MonotonicTime {
    MonotonicTime(nanoseconds: time.nanoseconds - span.count)
  }

  public static func - (later: MonotonicTime, earlier: MonotonicTime) -> Nanoseconds {
    Nanoseconds(later.nanoseconds - earlier.nanoseconds)
  }
}

/// A point in time on `CLOCK_REALTIME`, the clock of the kernel's receive stamps (socket(7), `SO_TIMESTAMPNS`).
public struct WallTime: Comparable, Hashable, Sendable {
  /// Nanoseconds since 1970-01-01T00:00:00Z.
  public var nanoseconds: Int64

  /// A point by its nanoseconds since 1970.
  public init(nanoseconds: Int64) {
    self.nanoseconds = nanoseconds
  }

  /// The clock's present reading.
  public static func now() -> WallTime {
    WallTime(nanoseconds: readClock(CLOCK_REALTIME))
  }

  public static func < (left: WallTime, right: WallTime) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  public static func - (later: WallTime, earlier: WallTime) -> Nanoseconds {
    Nanoseconds(later.nanoseconds - earlier.nanoseconds)
  }
}

/// A span of time. `Duration` is 128 bits wide and costs a division wherever it meets the kernel.
public struct Nanoseconds: Comparable, Hashable, Sendable {
  /// How many; negative where time was measured backwards.
  public var count: Int64

  /// A span of `count` nanoseconds.
  public init(_ count: Int64) {
    self.count = count
  }

  /// No time at all.
  public static let zero = Nanoseconds(0)

  /// A span in seconds; fractions count. Bounded to some 290 years.
  public static func seconds(_ seconds: Double) -> Nanoseconds {
    Nanoseconds(Int64(min(seconds * 1e9, 9e18)))
  }

  /// A span in milliseconds.
  public static func milliseconds(_ milliseconds: Int) -> Nanoseconds {
    Nanoseconds(Int64(milliseconds) * 1_000_000)
  }

  /// The span in seconds.
  public var seconds: Double { Double(count) / 1e9 }

  public static func < (left: Nanoseconds, right: Nanoseconds) -> Bool {
    left.count < right.count
  }
}

private func readClock(_ clock: clockid_t) -> Int64 {
  var time = timespec()
  clock_gettime(clock, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
