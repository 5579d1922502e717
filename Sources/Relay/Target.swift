public import Sockets

/// Where messages go: an address under the name by which users know it.
public final class Target: Sendable {
  /// The configured name; nil for an address that a request gave literally.
  public let name: String?
  /// The address, resolved at start: no name is looked up while messages wait.
  public let address: SocketAddress
  /// It is the echo server in this very process.
  public let isEmbedded: Bool

  /// A target.
  public init(name: String?, address: SocketAddress, isEmbedded: Bool = false) {
    self.name = name
    self.address = address
    self.isEmbedded = isEmbedded
  }

  /// The name, or the address where there is none.
  public var label: String { name ?? address.description }
}
