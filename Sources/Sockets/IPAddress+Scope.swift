/// Whose an address is, and whom it may stand for.
extension IPAddress {
  /// No loopback, link-local or private address: 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 (RFC 1918), 100.64.0.0/10
  /// (RFC 6598), fc00::/7 (RFC 4193). What an operator does not know the owner of.
  public var isPublic: Bool {
    !isLoopback && !isLinkLocal && !isPrivate
  }

  private var isPrivate: Bool {
    switch self {
    case .v4(let address):
      address.bits >> 24 == 10 || address.bits >> 20 == 0xAC1 || address.bits >> 16 == 0xC0A8
        || address.bits >> 22 == 0x6440 >> 6
    case .v6(let address): address.high >> 57 == 0xFC >> 1
    }
  }

  /// A number for the network that the address is in, IPv4 by its /24, IPv6 by its /64: who has one address mostly has
  /// its neighbours too.
  public var network: UInt64 {
    switch self {
    case .v4(let address): Self.ipv4Key | UInt64(address.bits >> 8)
    case .v6(let address): address.high
    }
  }

  /// A number for the host that the address is of: IPv6 by its /64, all of which a host has (RFC 4291 section 2.5.1).
  /// A link-local /64 is everybody's on the link, so there it is the interface identifier that counts.
  public var host: UInt64 {
    switch self {
    case .v4(let address): Self.ipv4Key | UInt64(address.bits)
    case .v6(let address): isLinkLocal ? Self.linkLocalKey(address.low) : address.high
    }
  }

  /// Ten bits of the identifier are folded into the others: the first ten are those of fe80::/10, so that nobody's
  /// choice of an identifier is another host's number.
  private static func linkLocalKey(_ identifier: UInt64) -> UInt64 {
    0xFE80 << 48 | (identifier ^ identifier >> 54) & (1 << 54 - 1)
  }

  /// Above what the first half of an IPv6 address of one host can be: ff00::/8 is multicast.
  private static let ipv4Key: UInt64 = 0xFF << 56
}
