import CLinux
import Glibc
public import SystemPackage

/// What a connected UDP socket was told of its peer, by ICMP or by the kernel itself (ip(7), `IP_RECVERR`).
public struct ReportedError: Error, Hashable, Sendable {
  /// What the message means here: `ECONNREFUSED` where nothing listens, `EHOSTUNREACH`, `ENETUNREACH`, …
  public var errno: Errno
  /// The ICMP message itself, where one arrived.
  public var icmp: ICMP?

  /// An ICMP message's type and code.
  public struct ICMP: Hashable, Sendable {
    /// 4 for ICMP (RFC 792), 6 for ICMPv6 (RFC 4443).
    public var version: Int
    /// The message's type: 3 or, for ICMPv6, 1 is destination unreachable.
    public var type: UInt8
    /// The message's code: 3 or, for ICMPv6, 4 is port unreachable.
    public var code: UInt8
  }

  /// An error of which nothing else is known.
  public init(errno: Errno) {
    self.errno = errno
  }

  /// Takes the next error from the socket's error queue, and as much of the datagram that met it as was quoted and has
  /// room; nil where the queue is empty.
  static func next(
    on descriptor: Int32, quoting room: UnsafeMutableRawBufferPointer = .init(start: nil, count: 0)
  ) -> (error: ReportedError, quoted: Int)? {
    var control = ControlBuffer()
    return withUnsafeMutableBytes(of: &control.bytes) { control in
      var vector = iovec(iov_base: room.baseAddress, iov_len: room.count)
      return withUnsafeMutablePointer(to: &vector) { vector in
        var message = msghdr()
        message.msg_iov = vector
        message.msg_iovlen = 1
        message.msg_control = control.baseAddress
        message.msg_controllen = control.count
        let taken = try? nonblockingCall(.recvmsg) { recvmsg(descriptor, &message, Int32(MSG_ERRQUEUE)) }
        guard let length = taken ?? nil, let error = Self.extendedError(in: &message) else { return nil }
        return (ReportedError(error), length)
      }
    }
  }

  private init(_ error: sock_extended_err) {
    errno = Errno(rawValue: Int32(bitPattern: error.ee_errno))
    switch Int32(error.ee_origin) {
    case SO_EE_ORIGIN_ICMP: icmp = ICMP(version: 4, type: error.ee_type, code: error.ee_code)
    case SO_EE_ORIGIN_ICMP6: icmp = ICMP(version: 6, type: error.ee_type, code: error.ee_code)
    default: icmp = nil
    }
  }

  private static func extendedError(in message: inout msghdr) -> sock_extended_err? {
    var next = clinux_cmsg_first(&message)
    while let control = next {
      switch (control.pointee.cmsg_level, control.pointee.cmsg_type) {
      case (Int32(IPPROTO_IP), CLINUX_IP_RECVERR),
        (Int32(IPPROTO_IPV6), CLINUX_IPV6_RECVERR):
        return UnsafeRawPointer(clinux_cmsg_data(control)!).loadUnaligned(as: sock_extended_err.self)
      default: next = clinux_cmsg_next(&message, control)
      }
    }
    return nil
  }
}
