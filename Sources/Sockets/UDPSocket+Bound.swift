import Basics
import CLinux
import Glibc

extension UDPSocket {
  /// Whether a bound socket lets others of this process have the same port, so that each loop has its own and the
  /// kernel spreads the senders over them (socket(7), `SO_REUSEPORT`).
  public enum PortSharing: Sendable {
    /// The first of a group: it binds alone, so that `EADDRINUSE` tells of another program on the port, and lets
    /// others join afterwards.
    case first
    /// Another one of the group.
    case joining
  }

  /// A socket that takes datagrams from anyone, for ``DatagramBatch``.
  ///
  /// On a wildcard address each datagram tells where it was sent to, so that a reply can leave from there; that
  /// costs some 5 %, so other sockets go without. The kernel's drops are told too, and each datagram's hop limit (half
  /// a percent). Bursts of equal datagrams come as one where the kernel offers it.
  ///
  /// - Parameters:
  ///   - hopLimit: what its own datagrams leave with (the TTL of IPv4); nil for the system's default.
  ///   - isStamped: whether each datagram tells when the kernel received it.
  ///   - dualStack: whether `[::]` takes IPv4 as well; other addresses never do.
  /// - Throws: `EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES` for a port below 1024, `EMFILE`.
  public static func bound(
    to address: SocketAddress, sharing: PortSharing = .first, hopLimit: Int? = nil, isStamped: Bool = false,
    dualStack: Bool = false
  ) throws(SocketError) -> UDPSocket {
    let socket = try Descriptor.socket(address.family, SOCK_DGRAM)
    if address.family == AF_INET6 {
      try socket.setOption(Int32(IPPROTO_IPV6), IPV6_V6ONLY, to: dualStack ? 0 : 1)
    }
    try prepare(socket, address, hopLimit: hopLimit, isStamped: isStamped, dualStack: dualStack)
    if sharing == .joining { try socket.setOption(SOL_SOCKET, CLINUX_SO_REUSEPORT, to: 1) }
    try socket.bind(to: address)
    if sharing == .first { try socket.setOption(SOL_SOCKET, CLINUX_SO_REUSEPORT, to: 1) }
    let sendsSegments = askForBursts(socket)
    return UDPSocket(socket: socket, sendsSegments: sendsSegments)
  }

  /// Has bursts of equal datagrams come as one (`UDP_GRO`, Linux 5.0); answers whether they can leave as one too. Where
  /// the kernel has neither, datagrams come and go one by one.
  static func askForBursts(_ socket: borrowing Descriptor) -> Bool {
    do throws(SocketError) {
      // 0 stands for no size: each message says its own. An older kernel would not notice that it does.
      try socket.setOption(Int32(IPPROTO_UDP), CLINUX_UDP_SEGMENT, to: 0)
    } catch {
      return false
    }
    try? socket.setOption(Int32(IPPROTO_UDP), CLINUX_UDP_GRO, to: 1)
    return true
  }

  /// Sets all that can be set before the socket is bound or after.
  static func prepare(
    _ socket: borrowing Descriptor, _ address: SocketAddress, hopLimit: Int?, isStamped: Bool, dualStack: Bool
  ) throws(SocketError) {
    try socket.setOption(SOL_SOCKET, CLINUX_SO_RXQ_OVFL, to: 1)
    if isStamped { try socket.setOption(SOL_SOCKET, CLINUX_SO_TIMESTAMPNS, to: 1) }
    try socket.setOption(SOL_SOCKET, SO_RCVBUF, to: Int32(Limits.echoSocketBuffer))
    try socket.setOption(SOL_SOCKET, SO_SNDBUF, to: Int32(Limits.echoSocketBuffer))
    try setHopLimits(socket, address, hopLimit, alsoIPv4: dualStack)
    if address.ip.isUnspecified { try askForDestinations(socket, address) }
  }

  /// Has datagrams leave with a hop limit and tell theirs (ip(7), `IP_TTL`, `IP_RECVTTL`; ipv6(7)).
  private static func setHopLimits(
    _ socket: borrowing Descriptor, _ address: SocketAddress, _ hopLimit: Int?, alsoIPv4: Bool
  ) throws(SocketError) {
    let isIPv6 = address.family == AF_INET6
    if isIPv6 {
      try socket.setOption(Int32(IPPROTO_IPV6), CLINUX_IPV6_RECVHOPLIMIT, to: 1)
      if let hopLimit { try socket.setOption(Int32(IPPROTO_IPV6), CLINUX_IPV6_UNICAST_HOPS, to: Int32(hopLimit)) }
    }
    guard !isIPv6 || alsoIPv4 else { return }
    try socket.setOption(Int32(IPPROTO_IP), CLINUX_IP_RECVTTL, to: 1)
    if let hopLimit { try socket.setOption(Int32(IPPROTO_IP), CLINUX_IP_TTL, to: Int32(hopLimit)) }
  }

  private static func askForDestinations(
    _ socket: borrowing Descriptor, _ address: SocketAddress
  ) throws(SocketError) {
    switch address.ip {
    case .v4: try socket.setOption(Int32(IPPROTO_IP), CLINUX_IP_PKTINFO, to: 1)
    case .v6: try socket.setOption(Int32(IPPROTO_IPV6), CLINUX_IPV6_RECVPKTINFO, to: 1)
    }
  }
}
