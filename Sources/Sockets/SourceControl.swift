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
    return write(information, level: Int32(IPPROTO_IP), type: CLINUX_IP_PKTINFO, control)
  }

  private static func writeIPv6(_ source: IPAddress, _ control: UnsafeMutableRawPointer) -> Int {
    let address = source.asIPv6
    let information = clinux_in6_pktinfo(address: in6_addr(address), interface: address.scope)
    return write(information, level: Int32(IPPROTO_IPV6), type: CLINUX_IPV6_PKTINFO, control)
  }

  private static func write<Information>(
    _ information: Information, level: Int32, type: Int32, _ control: UnsafeMutableRawPointer
  ) -> Int {
    let size = MemoryLayout<Information>.size
    let header = control.assumingMemoryBound(to: cmsghdr.self)
    header.pointee.cmsg_len = clinux_cmsg_length(size)
    header.pointee.cmsg_level = level
    header.pointee.cmsg_type = type
    clinux_cmsg_data(header)!.storeBytes(of: information, as: Information.self)
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
