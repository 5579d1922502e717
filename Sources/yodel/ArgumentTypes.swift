import ArgumentParser
import Basics
import Gateway
import Logging
import Sockets

/// What is wrong with an argument's form: said behind it, so with an example of the right one.
struct FormError: Error, CustomStringConvertible {
  let description: String
}

extension HostPort {
  /// Reads an argument.
  static func read(_ argument: String) throws -> HostPort {
    guard let place = HostPort(argument) else {
      throw FormError(description: "a host and a port are meant, as in 127.0.0.1:9999 or [::1]:9999")
    }
    return place
  }
}

extension SocketAddress {
  /// Reads an argument: a literal address, or `localhost`, which is 127.0.0.1 here.
  static func read(_ argument: String) throws -> SocketAddress {
    let localhost = "localhost:"
    let text = argument.hasPrefix(localhost) ? "127.0.0.1:" + argument.dropFirst(localhost.count) : argument
    guard let address = SocketAddress(text) else {
      throw FormError(
        description: "an address of this machine and a port are meant, as in 127.0.0.1:9999, 0.0.0.0:9999 or [::1]:9999"
      )
    }
    return address
  }
}

extension TargetRange {
  /// Reads an argument.
  static func read(_ argument: String) throws -> TargetRange {
    guard let range = TargetRange(argument) else {
      throw FormError(description: "a network is meant, as in 10.0.0.0/8, 10.0.0.0/8:5000-5999 or [fd00::/8]:5000")
    }
    return range
  }
}

extension HostName: ExpressibleByArgument {
  public init?(argument: String) {
    self.init(argument)
  }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}

/// `NAME=HOST:PORT`.
struct NamedTarget {
  var name: String
  var place: HostPort

  init?(_ argument: String) {
    let parts = argument.split(separator: "=", maxSplits: 1)
    guard parts.count == 2, let place = HostPort(String(parts[1])), place.port > 0,
      parts[0].utf8.allSatisfy(\.isNameByte)
    else {
      return nil
    }
    name = String(parts[0])
    self.place = place
  }

  /// Reads an argument.
  static func read(_ argument: String) throws -> NamedTarget {
    guard let target = NamedTarget(argument) else {
      throw FormError(
        description: "a name of letters, digits, '.', '_' and '-' and where it is are meant, as in lab=192.0.2.1:9999")
    }
    return target
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
