import Basics
import CLinux
import Glibc

/// A socket that a service manager has made and bound, and passes on by its number (sd_listen_fds(3)). Whoever is given
/// it takes the descriptor over.
public struct InheritedSocket: Hashable, Sendable {
  /// Its descriptor.
  public let number: Int32
  /// TCP that is listened on, or UDP.
  public let transport: BindError.Transport
  /// Where it is bound.
  public let address: SocketAddress

  /// Looks at a descriptor, and has it not block and not be inherited any further.
  ///
  /// - Throws: ``Fault`` where it is nothing to listen on.
  public init(inspecting number: Int32) throws(Fault) {
    guard fcntl(number, F_SETFD, FD_CLOEXEC) == 0 else { throw .notOpen }
    guard let type = Self.option(SO_TYPE, of: number) else { throw .noSocket }
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let told = withUnsafeMutablePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(number, $0, &length) }
    }
    guard told == 0, let address = withUnsafeBytes(of: &storage, { SocketAddress(sockaddr: $0) }) else {
      throw .notIP
    }
    switch type {
    case Int32(SOCK_STREAM.rawValue):
      guard Self.option(SO_ACCEPTCONN, of: number) == 1 else { throw .notListening }
      transport = .tcp
    case Int32(SOCK_DGRAM.rawValue):
      guard address.port != 0, !Self.isConnected(number) else { throw .notBound }
      transport = .udp
    default: throw .notIP
    }
    self.number = number
    self.address = address
    let flags = fcntl(number, F_GETFL)
    guard flags >= 0, fcntl(number, F_SETFL, flags | O_NONBLOCK) == 0 else { throw .notOpen }
  }

  private static func option(_ option: Int32, of number: Int32) -> Int32? {
    var value: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    return getsockopt(number, SOL_SOCKET, option, &value, &length) == 0 ? value : nil
  }

  private static func isConnected(_ number: Int32) -> Bool {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(number, $0, &length) } == 0
    }
  }

  /// Why a descriptor is nothing to listen on.
  public enum Fault: Error, CustomStringConvertible {
    /// Nothing is open by that number.
    case notOpen
    /// It is a file or a pipe.
    case noSocket
    /// It is of another family, a Unix socket for example, or neither TCP nor UDP.
    case notIP
    /// It is a connection, or not listened on.
    case notListening
    /// It is bound to no port, or connected to one peer.
    case notBound

    public var description: String {
      switch self {
      case .notOpen: "it is not open"
      case .noSocket: "it is no socket"
      case .notIP: "it is no TCP or UDP socket of IPv4 or IPv6"
      case .notListening: "it is not listened on (a connection: Accept=no passes the listener)"
      case .notBound: "it takes no datagrams from everyone: it is bound to no port, or connected"
      }
    }
  }
}

extension TCPListener {
  /// Takes over a listener; its queue gets the length that one of our own has.
  public init(inheriting inherited: InheritedSocket) throws(SocketError) {
    precondition(inherited.transport == .tcp, "\(inherited.address) is no listener")
    let socket = Descriptor(owning: inherited.number)
    try socket.setOption(SOL_SOCKET, SO_SNDBUF, to: Int32(Limits.sendBuffer))
    let number = socket.number
    _ = try systemCall(.listen) { listen(number, Int32(Limits.listenBacklog)) }
    self.socket = socket
  }
}

extension UDPSocket {
  /// Takes over a bound socket, for ``DatagramBatch``; see ``bound(to:sharing:hopLimit:isStamped:dualStack:)``.
  public static func inheriting(
    _ inherited: InheritedSocket, hopLimit: Int? = nil, isStamped: Bool = false
  ) throws(SocketError) -> UDPSocket {
    precondition(inherited.transport == .udp, "\(inherited.address) takes no datagrams")
    let socket = Descriptor(owning: inherited.number)
    let isIPv6 = inherited.address.family == AF_INET6
    var dualStack = false
    if isIPv6 { dualStack = try socket.option(Int32(IPPROTO_IPV6), IPV6_V6ONLY) == 0 }
    try prepare(socket, inherited.address, hopLimit: hopLimit, isStamped: isStamped, dualStack: dualStack)
    let sendsSegments = askForBursts(socket)
    return UDPSocket(socket: socket, sendsSegments: sendsSegments)
  }
}
