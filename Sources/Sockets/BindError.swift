/// A place to listen that could not be had.
public struct BindError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The place.
  public var address: SocketAddress
  /// For what.
  public var transport: Transport
  /// Why not.
  public var cause: SocketError

  /// The transports that Yodel listens on.
  public enum Transport: String, Sendable {
    /// For HTTP.
    case tcp = "TCP"
    /// For the echo server.
    case udp = "UDP"
  }

  /// A failure to listen on `address`.
  public init(address: SocketAddress, transport: Transport, cause: SocketError) {
    self.address = address
    self.transport = transport
    self.cause = cause
  }

  public var description: String { "cannot listen on \(transport.rawValue) \(address): \(cause.errno)" }
}

extension SocketAddress {
  /// Whether a socket bound here is to take IPv4 as well: `[::]` is every address of the machine unless one of `others`
  /// wants IPv4 on the same port for itself.
  public func takesIPv4(beside others: [SocketAddress]) -> Bool {
    guard case .v6 = ip, ip.isUnspecified else { return false }
    return !others.contains { $0.ip.version == 4 && $0.port == port }
  }
}
