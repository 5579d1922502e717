import Basics
import Glibc
import CLinux

/// A TCP socket that takes connections and does not block (tcp(7), listen(2)).
public struct TCPListener: ~Copyable, Sendable {
  let socket: Descriptor

  /// The number to wait on.
  public var descriptor: Int32 { socket.number }

  /// Listens on an address; port 0 takes a free one.
  ///
  /// What it accepts inherits a send buffer of ``Limits/sendBuffer`` bytes.
  ///
  /// - Parameter dualStack: whether `[::]` takes IPv4 as well; other addresses never do.
  /// - Throws: `EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES` for a port below 1024, `EMFILE`.
  public init(on address: SocketAddress, dualStack: Bool = false) throws(SocketError) {
    let socket = try Descriptor.socket(address.family, SOCK_STREAM)
    try socket.setOption(SOL_SOCKET, SO_REUSEADDR, to: 1)
    try socket.setOption(SOL_SOCKET, SO_SNDBUF, to: Int32(Limits.sendBuffer))
    if address.family == AF_INET6 {
      try socket.setOption(Int32(IPPROTO_IPV6), IPV6_V6ONLY, to: dualStack ? 0 : 1)
    }
    try socket.bind(to: address)
    let number = socket.number
    _ = try systemCall(.listen) { listen(number, Int32(Limits.listenBacklog)) }
    self.socket = socket
  }

  /// The address that it listens on, its port known (getsockname(2)).
  public borrowing func localAddress() throws(SocketError) -> SocketAddress {
    try socket.localAddress()
  }

  /// Takes one connection that the kernel has queued; nil where there is none.
  ///
  /// - Throws: `EMFILE`, `ENFILE`, `ENOBUFS`, `ENOMEM`, with the connection still queued. One that ended while it
  ///   was queued is passed over (accept(2), Error handling).
  public borrowing func accept() throws(SocketError) -> AcceptedConnection? {
    var storage = sockaddr_storage()
    let number = socket.number
    while true {
      var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
      do throws(SocketError) {
        let flags = Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let accepted = try nonblockingCall(.accept4) { clinux_accept4(number, &storage, &length, flags) }
        guard let accepted else { return nil }
        let peer = withUnsafeBytes(of: &storage) { SocketAddress(sockaddr: $0) }!  // An IP listener's peers have IP.
        return AcceptedConnection(descriptor: Descriptor(owning: accepted), peer: peer)
      } catch  where [.connectionAbort, .permissionDenied, .notPermitted].contains(error.errno) {
        continue
      }
    }
  }
}

/// A connection as accept(2) gives it.
public struct AcceptedConnection: ~Copyable, Sendable {
  /// The connection's socket.
  public let descriptor: Descriptor
  /// Who connected.
  public let peer: SocketAddress

  /// Gives the socket to another owner, who has to close it.
  public consuming func release() -> Int32 {
    descriptor.release()
  }
}
