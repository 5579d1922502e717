package import Sockets
internal import Glibc

/// Bursts as other programs send and read them (udp(7), `UDP_SEGMENT`, `UDP_GRO`), which Glibc's module does not name.
extension PlainSocket {
  /// Sends datagrams of `size` bytes, the last possibly shorter, as one; answers what sendto(2) did, -1 for an error.
  @discardableResult
  package func sendBurst(_ bytes: [UInt8], of size: Int, to peer: SocketAddress) -> Int {
    setOption(Int32(IPPROTO_UDP), 103, Int32(size))
    defer { setOption(Int32(IPPROTO_UDP), 103, 0) }
    return send(bytes, to: peer)
  }

  /// Has bursts come as one from now on.
  package func readBursts() {
    setOption(Int32(IPPROTO_UDP), 104, 1)
  }

  /// Waits for so many datagrams of one sender, each of which may come as a part of a burst.
  package func receiveBurst(_ count: Int) throws -> (datagrams: [[UInt8]], reads: Int, sender: SocketAddress?) {
    var datagrams: [[UInt8]] = []
    var (reads, sender) = (0, SocketAddress?.none)
    while datagrams.count < count {
      let (bytes, size, from) = try receiveCoalesced()
      (reads, sender) = (reads + 1, from)
      for start in stride(from: 0, to: max(1, bytes.count), by: max(1, size)) {
        datagrams.append(Array(bytes[start..<min(start + size, bytes.count)]))
      }
    }
    return (datagrams, reads, sender)
  }

  private func receiveCoalesced() throws -> (bytes: [UInt8], size: Int, sender: SocketAddress) {
    var bytes = [UInt8](repeating: 0, count: 70_000)
    var control = [UInt64](repeating: 0, count: 8)
    var storage = sockaddr_storage()
    let received = bytes.withUnsafeMutableBytes { bytes in
      control.withUnsafeMutableBytes { control in
        withUnsafeMutablePointer(to: &storage) { storage in
          var vector = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
          return withUnsafeMutablePointer(to: &vector) { vector in
            var message = msghdr()
            (message.msg_name, message.msg_namelen) = (UnsafeMutableRawPointer(storage), 128)
            (message.msg_iov, message.msg_iovlen) = (vector, 1)
            (message.msg_control, message.msg_controllen) = (control.baseAddress, control.count)
            return recvmsg(descriptor, &message, 0)
          }
        }
      }
    }
    guard received >= 0 else { throw SocketError(.recvmsg, .init(rawValue: errno)) }
    // A control message of four bytes where there are several: its head (cmsg(3)), then they.
    let size = control[0] == 20 ? Int(Int32(truncatingIfNeeded: control[2])) : received
    return (Array(bytes.prefix(received)), size, withUnsafeBytes(of: &storage) { SocketAddress(sockaddr: $0) }!)
  }
}
