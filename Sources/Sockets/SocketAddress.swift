public import Glibc

/// An IP address and a port.
public struct SocketAddress: Hashable, Sendable {
  /// The address.
  public var ip: IPAddress
  /// The port; 0 where the kernel is to choose one.
  public var port: UInt16

  /// An address and a port.
  public init(_ ip: IPAddress, port: UInt16) {
    self.ip = ip
    self.port = port
  }
}

extension SocketAddress: CustomStringConvertible, LosslessStringConvertible {
  /// Reads `127.0.0.1:9999` or `[::1]:9999`: literal addresses only.
  public init?(_ text: String) {
    self.init(text) { if_nametoindex($0) }
  }

  /// The same, where `interface` says which index a name has, 0 for none.
  public init?(_ text: String, interface: (String) -> UInt32) {
    guard let parts = HostPort(text), let ip = IPAddress(parts.host, interface: interface),
      parts.isBracketed == parts.host.contains(":")
    else { return nil }
    self.init(ip, port: parts.port)
  }

  /// `127.0.0.1:9999` or `[::1]:9999`.
  public var description: String {
    switch ip {
    case .v4: "\(ip):\(port)"
    case .v6: "[\(ip)]:\(port)"
    }
  }
}

extension SocketAddress {
  /// The kernel's form of an address; nil where it is none of IP or cut short.
  public init?(sockaddr bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= MemoryLayout<sockaddr_in>.size else { return nil }
    switch Int32(bytes.loadUnaligned(as: sa_family_t.self)) {
    case AF_INET:
      let address = bytes.loadUnaligned(as: sockaddr_in.self)
      self.init(.v4(IPv4Address(address.sin_addr)), port: UInt16(bigEndian: address.sin_port))
    case AF_INET6:
      guard bytes.count >= MemoryLayout<sockaddr_in6>.size else { return nil }
      let address = bytes.loadUnaligned(as: sockaddr_in6.self)
      let ip = IPAddress(IPv6Address(address.sin6_addr, scope: address.sin6_scope_id))
      self.init(ip, port: UInt16(bigEndian: address.sin6_port))
    default: return nil
    }
  }

  /// Lends the kernel's form of the address.
  public func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    switch ip {
    case .v4(let address):
      var raw = sockaddr_in()
      raw.sin_family = sa_family_t(AF_INET)
      raw.sin_port = port.bigEndian
      raw.sin_addr = in_addr(address)
      return Self.lend(&raw, body)
    case .v6(let address):
      var raw = sockaddr_in6()
      raw.sin6_family = sa_family_t(AF_INET6)
      raw.sin6_port = port.bigEndian
      raw.sin6_addr = in6_addr(address)
      raw.sin6_scope_id = address.scope
      return Self.lend(&raw, body)
    }
  }

  private static func lend<Raw, Result>(
    _ raw: inout Raw, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    withUnsafePointer(to: &raw) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<Raw>.size)) }
    }
  }

  /// The address family that a socket for this address has.
  var family: Int32 {
    switch ip {
    case .v4: AF_INET
    case .v6: AF_INET6
    }
  }
}
