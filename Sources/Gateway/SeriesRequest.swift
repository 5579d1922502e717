import Basics
import Relay

/// What a `POST /api/probes` asks for: a value made of bytes, without a server.
struct SeriesRequest: Equatable {
  /// A configured name or a literal address; nil for the default.
  private(set) var target: String?
  private(set) var count = Limits.defaultProbeCount
  /// 0 stands for "when the last is decided".
  private(set) var intervalMilliseconds = Limits.defaultProbeIntervalMilliseconds
  private(set) var size = Limits.defaultProbeSize
  /// How long each datagram has, in milliseconds; nil for the default.
  private(set) var timeoutMilliseconds: Int?

  /// All members of a body.
  static let names = ["target", "count", "interval_ms", "size", "timeout_ms"]

  /// Reads a body, which is JSON whatever its type says.
  ///
  /// - Parameter isRemote: it comes from beyond this machine, and may send only so often.
  init(body: [UInt8], isRemote: Bool) throws(Problem) {
    for member in try jsonMembers(of: body, example: "{\"count\":10}") { try read(member) }
    let least = Limits.remoteProbeIntervalMilliseconds
    if isRemote, intervalMilliseconds > 0, intervalMilliseconds < least {
      throw Problem(
        .invalidRequest, "'interval_ms' must be at least \(least), or 0, for whoever is not on the gateway's machine",
        [.number("limit", least)])
    }
    let longest = Int(Limits.longestSeries.count / 1_000_000)
    guard count * intervalMilliseconds <= longest else {
      throw Problem(
        .invalidRequest, "'count' times 'interval_ms' must be at most \(longest), an hour", [.number("limit", longest)])
    }
  }

  private mutating func read(_ member: JSONValue.Member) throws(Problem) {
    switch member.name {
    case "target": target = try member.text()
    case "count": count = try member.integer(in: Limits.probeCount)
    case "interval_ms" where member.value == .number(0): intervalMilliseconds = 0
    case "interval_ms":
      do throws(Problem) {
        intervalMilliseconds = try member.integer(in: Limits.probeIntervalMilliseconds)
      } catch {
        throw Problem(notInteger: member.name, in: Limits.probeIntervalMilliseconds, or: "0 or ")
      }
    case "size": size = try member.integer(in: Limits.probeSize)
    case "timeout_ms": timeoutMilliseconds = try member.integer(in: Limits.timeoutMilliseconds)
    default: throw Problem(unknown: member.name, "member", known: Self.names)
    }
  }

  /// The plan, in which nothing is without a bound.
  func plan(defaultTimeout: Nanoseconds, isRemote: Bool) -> ProbePlan {
    let timeout = timeoutMilliseconds.map { Nanoseconds.milliseconds($0) } ?? defaultTimeout
    var plan = ProbePlan(count: count, interval: .milliseconds(intervalMilliseconds), size: size, timeout: timeout)
    if isRemote { plan.gap = .milliseconds(Limits.remoteProbeIntervalMilliseconds) }
    plan.longest = Limits.longestSeries
    plan.listedDuplicates = Limits.listedDuplicates
    return plan
  }
}
