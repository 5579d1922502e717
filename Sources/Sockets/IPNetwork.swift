import Basics

/// The addresses that share their first bits, as CIDR writes them (RFC 4632): `10.0.0.0/8`.
public struct IPNetwork: Hashable, Sendable {
  /// How many bits are shared: 0 to 32 of an IPv4 address, 0 to 128 of an IPv6 one.
  public let prefix: Int
  private let version: Int
  private let width: Int
  /// The shared bits, zeros behind them.
  private let bits: UInt128

  /// The network of an address; nil where its addresses do not have so many bits. An interface (`%eth0`) is no part of
  /// it.
  public init?(_ address: IPAddress, prefix: Int) {
    let (bits, width) = address.number
    guard (0...width).contains(prefix) else { return nil }
    self.prefix = prefix
    self.width = width
    version = address.version
    self.bits = (bits >> (width - prefix)) << (width - prefix)
  }

  /// Whether an address is one of the network's.
  public func contains(_ ip: IPAddress) -> Bool {
    ip.version == version && (ip.number.bits ^ bits) >> (width - prefix) == 0
  }

  /// Whether every address of another network is one of this network's.
  public func contains(_ other: IPNetwork) -> Bool {
    other.version == version && other.prefix >= prefix && (other.bits ^ bits) >> (width - prefix) == 0
  }
}

extension IPNetwork: LosslessStringConvertible {
  /// Reads `ADDRESS/PREFIX`. A network of mapped IPv4 addresses (`::ffff:10.0.0.0/104`) is one of IPv4, as they are.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].contains("%"), let address = IPAddress(String(parts[0])),
      let prefix = Int(digits: parts[1])
    else { return nil }
    let isMapped = address.version == 4 && parts[0].contains(":")
    self.init(address, prefix: isMapped ? prefix - 96 : prefix)
  }

  public var description: String { "\(IPAddress(number: bits, version: version))/\(prefix)" }
}

extension IPAddress {
  fileprivate var number: (bits: UInt128, width: Int) {
    switch self {
    case .v4(let address): (UInt128(address.bits), 32)
    case .v6(let address): (UInt128(address.high) << 64 | UInt128(address.low), 128)
    }
  }

  fileprivate init(number: UInt128, version: Int) {
    if version == 4 {
      self = .v4(IPv4Address(bits: UInt32(truncatingIfNeeded: number)))
    } else {
      self = .v6(IPv6Address(high: UInt64(number >> 64), low: UInt64(truncatingIfNeeded: number)))
    }
  }
}
