import Glibc

extension WallTime {
  /// The time in UTC with microseconds, `2026-11-22T12:00:00.123456Z` (RFC 3339).
  public var utc: String {
    let (seconds, fraction) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    // What is before 1970 rounds down too.
    var time = time_t(fraction < 0 ? seconds - 1 : seconds)
    let microseconds = (fraction < 0 ? fraction + 1_000_000_000 : fraction) / 1000
    var parts = tm()
    gmtime_r(&time, &parts)
    let date = [Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday)].map(Self.twoDigits)
    let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { Self.twoDigits(Int($0)) }
    let digits = String(1_000_000 + microseconds).dropFirst()
    return date.joined(separator: "-") + "T" + clock.joined(separator: ":") + ".\(digits)Z"
  }

  private static func twoDigits(_ number: Int) -> String {
    number < 10 ? "0\(number)" : String(number)
  }
}
