/// A bound socket with its address, that can be kept in a list; it is closed with the last reference.
public final class BoundSocket<Socket: LocallyAddressed & Sendable & ~Copyable>: Sendable {
  /// The socket.
  public let socket: Socket
  /// Where it is bound, its port known.
  public let address: SocketAddress

  /// Takes a socket over.
  public init(_ socket: consuming Socket) throws(SocketError) {
    address = try socket.localAddress()
    self.socket = socket
  }
}

/// What has an address on this machine.
public protocol LocallyAddressed: ~Copyable {
  /// The address that it is bound to, its port known (getsockname(2)).
  borrowing func localAddress() throws(SocketError) -> SocketAddress
}

extension UDPSocket: LocallyAddressed {}
extension TCPListener: LocallyAddressed {}
