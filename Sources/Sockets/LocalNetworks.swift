import Glibc

/// What this machine's interfaces are called on their networks (getifaddrs(3)), as it was when this was made.
public struct LocalNetworks: Sendable {
  /// The machine's own addresses.
  public private(set) var addresses: Set<IPAddress> = []
  /// The indices of the interfaces by their names (if_nametoindex(3)).
  public private(set) var interfaces: [String: UInt32] = [:]
  /// The addresses that reach every host of a network (RFC 919).
  public private(set) var broadcasts: Set<IPAddress> = []

  /// Asks the kernel; empty where it does not tell.
  public init() {
    var list: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&list) == 0 else { return }
    defer { freeifaddrs(list) }
    var next = list
    while let entry = next?.pointee {
      let name = String(cString: entry.ifa_name)
      let index = if_nametoindex(name)
      if index != 0 { interfaces[name] = index }
      if let ip = Self.ip(entry.ifa_addr) {
        addresses.insert(ip)
        if let broadcast = Self.broadcast(of: ip, Self.ip(entry.ifa_netmask)) { broadcasts.insert(broadcast) }
      }
      if entry.ifa_flags & UInt32(IFF_BROADCAST) != 0, let broadcast = Self.ip(entry.ifa_ifu.ifu_broadaddr) {
        broadcasts.insert(broadcast)
      }
      next = entry.ifa_next
    }
    // Where nobody configured a broadcast address, glibc tells the interface's own in its place.
    broadcasts.subtract(addresses)
  }

  /// From the mask, since the kernel names none for loopback, or where nobody configured one, and yet takes the last
  /// address of a network for one. A network of one or two hosts has none (RFC 3021).
  private static func broadcast(of ip: IPAddress, _ mask: IPAddress?) -> IPAddress? {
    guard case .v4(let address) = ip, case .v4(let mask)? = mask, mask.bits < 0xFFFF_FFFE else { return nil }
    return .v4(IPv4Address(bits: address.bits | ~mask.bits))
  }

  private static func ip(_ address: UnsafeMutablePointer<sockaddr>?) -> IPAddress? {
    guard let address else { return nil }
    let isIPv6 = Int32(address.pointee.sa_family) == AF_INET6
    let length = isIPv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
    return SocketAddress(sockaddr: UnsafeRawBufferPointer(start: address, count: length))?.ip
  }
}
