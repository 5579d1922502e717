import ArgumentParser
import Basics
import Gateway
import Logging
import Sockets

extension HostPort: ExpressibleByArgument {
  public init?(argument: String) {
    self.init(argument)
  }
}

extension SocketAddress: ExpressibleByArgument {
  /// A literal address, or `localhost`, which is 127.0.0.1 here.
  public init?(argument: String) {
    let localhost = "localhost:"
    self.init(argument.hasPrefix(localhost) ? "127.0.0.1:" + argument.dropFirst(localhost.count) : argument)
  }
}

extension TargetRange: ExpressibleByArgument {
  public init?(argument: String) {
    self.init(argument)
  }
}

extension HostName: ExpressibleByArgument {
  public init?(argument: String) {
    self.init(argument)
  }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}

/// `NAME=HOST:PORT`.
struct NamedTarget: ExpressibleByArgument {
  var name: String
  var place: HostPort

  init?(argument: String) {
    let parts = argument.split(separator: "=", maxSplits: 1)
    guard parts.count == 2, let place = HostPort(String(parts[1])), place.port > 0,
      parts[0].utf8.allSatisfy(\.isNameByte)
    else {
      return nil
    }
    name = String(parts[0])
    self.place = place
  }
}

// MARK: - What `serve` and `echo` both take

/// `--echo-rate` in words.
let echoRateHelp = ArgumentHelp(
  "Datagrams a second that are answered for an IPv4 /24 or IPv6 /64 of public addresses; loopback and private ones are "
    + "not bounded.",
  valueName: "n")

/// Throws a usage error where a rate is out of ``Limits/rates``.
func checkRate(_ option: String, _ rate: Int) throws {
  try check(option, rate, in: Limits.rates)
}

/// Throws a usage error where a number is out of its bounds.
func check(_ option: String, _ value: Int, in bounds: ClosedRange<Int>) throws {
  guard bounds.contains(value) else {
    throw ValidationError("\(option) must be from \(bounds.lowerBound) to \(bounds.upperBound), not \(value)")
  }
}
