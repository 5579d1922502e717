import CLinux
import Glibc

/// The packet information that has a datagram leave from an address of the sender's choice (ip(7), `IP_PKTINFO`;
/// ipv6(7), `IPV6_PKTINFO`).
enum SourceControl {
  /// Writes it as the one control message of a datagram; answers how many bytes it takes.
  ///
  /// - Parameter isIPv6Socket: also where the datagram itself is one of IPv4, mapped into IPv6.
  static func write(_ source: IPAddress, isIPv6Socket: Bool, to control: UnsafeMutableRawPointer) -> Int {
    isIPv6Socket ? writeIPv6(source, control) : writeIPv4(source, control)
  }

  private static func writeIPv4(_ source: IPAddress, _ control: UnsafeMutableRawPointer) -> Int {
    guard case .v4(let address) = source else { return 0 }
    let information = in_pktinfo(ipi_ifindex: 0, ipi_spec_dst: in_addr(address), ipi_addr: in_addr())
    return ControlMessage.write(information, level: Int32(IPPROTO_IP), type: CLINUX_IP_PKTINFO, to: control)
  }

  private static func writeIPv6(_ source: IPAddress, _ control: UnsafeMutableRawPointer) -> Int {
    let address = source.asIPv6
    let information = clinux_in6_pktinfo(address: in6_addr(address), interface: address.scope)
    return ControlMessage.write(information, level: Int32(IPPROTO_IPV6), type: CLINUX_IPV6_PKTINFO, to: control)
  }
}

/// The size at which the kernel cuts what it is given into datagrams (udp(7), `UDP_SEGMENT`).
enum SegmentControl {
  /// Writes it as a control message; answers how many bytes it takes.
  static func write(_ size: Int, to control: UnsafeMutableRawPointer) -> Int {
    ControlMessage.write(UInt16(size), level: Int32(IPPROTO_UDP), type: CLINUX_UDP_SEGMENT, to: control)
  }
}

/// One control message that goes with what is sent (cmsg(3)).
private enum ControlMessage {
  static func write<Content>(_ content: Content, level: Int32, type: Int32, to control: UnsafeMutableRawPointer) -> Int
  {
    let size = MemoryLayout<Content>.size
    let header = control.assumingMemoryBound(to: cmsghdr.self)
    header.pointee.cmsg_len = clinux_cmsg_length(size)
    header.pointee.cmsg_level = level
    header.pointee.cmsg_type = type
    clinux_cmsg_data(header)!.storeBytes(of: content, as: Content.self)
    return clinux_cmsg_space(size)
  }
}

extension IPAddress {
  /// As a socket of IPv6 writes it: IPv4 mapped into IPv6 (RFC 4291 section 2.5.5.2).
  var asIPv6: IPv6Address {
    switch self {
    case .v4(let address): IPv6Address(high: 0, low: 0xFFFF_0000_0000 | UInt64(address.bits))
    case .v6(let address): address
    }
  }
}

/// Sends datagrams that stand in a row (sendmmsg(2)). One that the kernel refuses is skipped and told, with
/// its place and its payload bytes; the rest go out.
func sendAll(
  _ messages: UnsafeMutablePointer<clinux_mmsghdr>, count: Int, on descriptor: Int32,
  refused: (_ index: Int, _ bytes: Int) -> Void
) {
  var next = 0
  while next < count {
    do throws(SocketError) {
      let accepted = try systemCall(.sendmmsg) {
        clinux_sendmmsg(descriptor, messages + next, UInt32(count - next), 0)
      }
      next += Int(accepted)
    } catch {
      // sendmmsg reports an error only when the very first of its datagrams met it.
      refused(next, messages[next].message.msg_iov.pointee.iov_len)
      next += 1
    }
  }
}
