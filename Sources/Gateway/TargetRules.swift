import Sockets

/// Which addresses may be targets: a value without a socket.
struct TargetRules: Sendable {
  /// What requests may name literally.
  let allowed: [TargetRange]
  /// The addresses that reach every host of a network of this machine's.
  let broadcasts: Set<IPAddress>
  /// The interfaces that requests may name in a link-local address, as they were at the start.
  var interfaces: [String: UInt32] = [:]

  /// What is reached through a range of its own alone: this machine, its links' neighbours (and what clouds keep on
  /// 169.254.169.254), and IPv4 by way of IPv6.
  private static let setApart =
    ["127.0.0.0/8", "::1/128", "169.254.0.0/16", "fe80::/10"].map { IPNetwork($0)! } + IPAddress.transitionNetworks

  /// Whether a request may name this address literally.
  func allows(_ address: SocketAddress) -> Bool {
    allowed.contains { range in
      range.network.contains(address.ip) && range.ports.contains(address.port)
        && Self.setApart.allSatisfy { !$0.contains(address.ip) || $0.contains(range.network) }
    }
  }

  /// Why nothing can be sent to an address, whoever names it; nil where it can.
  func impossibility(_ address: SocketAddress) -> String? {
    if address.port == 0 { return "there is no port 0" }
    return impossibility(address.ip)
  }

  private func impossibility(_ ip: IPAddress) -> String? {
    if ip.isUnspecified { return "\(ip) is no address of anybody's" }
    if ip.isLimitedBroadcast || broadcasts.contains(ip) { return "\(ip) is a broadcast address" }
    if ip.isMulticast { return "\(ip) is a multicast address" }
    if ip.isReserved { return "\(ip) is reserved" }
    if case .v6(let address) = ip, ip.isLinkLocal, address.scope == 0 {
      return "a link-local address needs its interface, as in [\(ip)%eth0]"
    }
    guard let carried = ip.carriedIPv4.map(IPAddress.v4) else { return nil }
    if carried.isLoopback || carried.isLinkLocal { return "\(ip) stands for \(carried) somewhere else" }
    return impossibility(carried).map { "\(ip) stands for an IPv4 address, and \($0)" }
  }
}

extension SocketAddress {
  /// The one form of an address that a rule can be written for: the interface only where the address needs one.
  var canonical: SocketAddress {
    guard case .v6(var address) = ip, !ip.isLinkLocal else { return self }
    address.scope = 0
    return SocketAddress(IPAddress(address), port: port)
  }
}
