extension IPAddress {
  /// The networks whose addresses stand for an IPv4 address that a translator or the end of a tunnel, somewhere on the
  /// way, would send to: NAT64 (RFC 6052, RFC 8215), 6to4 (RFC 3056), Teredo (RFC 4380), SIIT (RFC 2765).
  public static let transitionNetworks = [
    "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::ffff:0:0:0/96",
  ].map { IPNetwork($0)! }

  /// The IPv4 address that a packet to this address ends at; nil where it carries none, or where only its network's
  /// owner knows the place (RFC 8215).
  public var carriedIPv4: IPv4Address? {
    guard case .v6(let address) = self else { return nil }
    let last = UInt32(truncatingIfNeeded: address.low)
    switch (address.high, address.low >> 32) {
    case (0x0064_FF9B_0000_0000, 0), (0, 0xFFFF_0000): return IPv4Address(bits: last)
    case (let high, _) where high >> 48 == 0x2002: return IPv4Address(bits: UInt32(truncatingIfNeeded: high >> 16))
    // Teredo hides the client's address from translators that rewrite what looks like one.
    case (let high, _) where high >> 32 == 0x2001_0000: return IPv4Address(bits: ~last)
    default: return nil
    }
  }
}
