import Glibc

/// A file descriptor and its owner: it is closed when this value ends.
public struct Descriptor: ~Copyable, Sendable {
  /// The number the kernel knows it by. Whoever keeps it must not outlive this value.
  public let number: Int32

  /// Takes over an open descriptor.
  public init(owning number: Int32) {
    self.number = number
  }

  deinit {
    // Linux closes the descriptor whatever close(2) returns; EINTR must not be retried.
    close(number)
  }

  /// Gives the descriptor to another owner, who has to close it.
  public consuming func release() -> Int32 {
    let number = number
    discard self
    return number
  }
}

extension Descriptor {
  /// A socket that does not block and is not inherited (socket(2)).
  static func socket(_ family: Int32, _ type: __socket_type) throws(SocketError) -> Descriptor {
    let kind = Int32(type.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    return Descriptor(owning: try systemCall(.socket) { Glibc.socket(family, kind, 0) })
  }

  /// Sets an integer option (setsockopt(2)).
  borrowing func setOption(_ level: Int32, _ option: Int32, to value: Int32) throws(SocketError) {
    var value = value
    let number = number
    _ = try systemCall(.setsockopt) {
      setsockopt(number, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }
  }

  /// An integer option (getsockopt(2)).
  borrowing func option(_ level: Int32, _ option: Int32) throws(SocketError) -> Int32 {
    var value: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    let number = number
    _ = try systemCall(.getsockopt) { getsockopt(number, level, option, &value, &length) }
    return value
  }

  /// The address that the socket is bound to (getsockname(2)).
  borrowing func localAddress() throws(SocketError) -> SocketAddress {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let number = number
    _ = try systemCall(.getsockname) {
      withUnsafeMutablePointer(to: &storage) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(number, $0, &length) }
      }
    }
    return withUnsafeBytes(of: &storage) { SocketAddress(sockaddr: $0) }!  // Only called on IP sockets.
  }

  /// Binds the socket to an address (bind(2)).
  borrowing func bind(to address: SocketAddress) throws(SocketError) {
    let number = number
    _ = try systemCall(.bind) { address.withSockaddr { Glibc.bind(number, $0, $1) } }
  }

  /// Connects the socket to an address (connect(2)).
  borrowing func connect(to address: SocketAddress) throws(SocketError) {
    let number = number
    _ = try systemCall(.connect) { address.withSockaddr { Glibc.connect(number, $0, $1) } }
  }
}
