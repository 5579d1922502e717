import Basics
import CLinux
import Glibc

/// The control messages (cmsg(3)) that came with one receipt.
struct ControlMessages {
  /// `SO_TIMESTAMPNS`: when the kernel received the datagram.
  private(set) var receiveTime: WallTime?
  /// `IP_PKTINFO`, `IPV6_PKTINFO`: the address that the datagram was sent to.
  private(set) var destination: IPAddress?
  /// `IP_TTL`, `IPV6_HOPLIMIT`: how many more hops the datagram could have gone.
  private(set) var hopLimit: Int?
  /// `SO_RXQ_OVFL`: datagrams the kernel dropped on this socket since it was made, modulo 2³².
  private(set) var dropped: UInt32?
  /// `UDP_GRO`: how long each datagram of a burst is but for the last; nil where there is one alone.
  private(set) var segmentSize: Int?

  init(_ message: inout msghdr) {
    guard message.msg_controllen > 0 else { return }
    var next = clinux_cmsg_first(&message)
    while let control = next {
      read(control)
      next = clinux_cmsg_next(&message, control)
    }
  }

  private mutating func read(_ control: UnsafeMutablePointer<cmsghdr>) {
    switch (control.pointee.cmsg_level, control.pointee.cmsg_type) {
    case (SOL_SOCKET, CLINUX_SO_TIMESTAMPNS):
      guard let stamp = Self.data(of: control, as: timespec.self) else { return }
      receiveTime = WallTime(nanoseconds: Int64(stamp.tv_sec) * 1_000_000_000 + Int64(stamp.tv_nsec))
    case (SOL_SOCKET, CLINUX_SO_RXQ_OVFL):
      dropped = Self.data(of: control, as: UInt32.self)
    case (Int32(IPPROTO_UDP), CLINUX_UDP_GRO):
      segmentSize = Self.data(of: control, as: Int32.self).map { Int($0) }
    case (Int32(IPPROTO_IP), CLINUX_IP_TTL), (Int32(IPPROTO_IPV6), CLINUX_IPV6_HOPLIMIT):
      hopLimit = Self.data(of: control, as: Int32.self).map { Int($0) }
    case (Int32(IPPROTO_IP), CLINUX_IP_PKTINFO):
      guard let information = Self.data(of: control, as: in_pktinfo.self) else { return }
      destination = .v4(IPv4Address(information.ipi_addr))
    case (Int32(IPPROTO_IPV6), CLINUX_IPV6_PKTINFO):
      guard let information = Self.data(of: control, as: clinux_in6_pktinfo.self) else { return }
      let isLinkLocal = IPAddress(IPv6Address(information.address)).isLinkLocal
      let scope = isLinkLocal ? information.interface : 0
      destination = IPAddress(IPv6Address(information.address, scope: scope))
    default: break
    }
  }

  /// What a control message holds; nil where it was cut off for want of room (recvmsg(2), `MSG_CTRUNC`).
  private static func data<Content>(
    of control: UnsafeMutablePointer<cmsghdr>, as type: Content.Type
  ) -> Content? {
    guard control.pointee.cmsg_len >= clinux_cmsg_length(MemoryLayout<Content>.size) else { return nil }
    return UnsafeRawPointer(clinux_cmsg_data(control)!).loadUnaligned(as: type)
  }
}
