import CLinux
import Glibc
import SystemPackage
public import Basics

/// A UDP socket that does not block (udp(7)).
public struct UDPSocket: ~Copyable, Sendable {
  let socket: Descriptor
  /// It can be asked to send a run of datagrams as one (`UDP_SEGMENT`, Linux 4.18).
  let sendsSegments: Bool

  init(socket: consuming Descriptor, sendsSegments: Bool = false) {
    self.socket = socket
    self.sendsSegments = sendsSegments
  }

  /// The number to wait on.
  public var descriptor: Int32 { socket.number }

  /// A socket that talks to `peer` alone: the kernel drops what others send to it, and reports what ICMP says of
  /// the peer (`IP_RECVERR`, read with ``takeError()``). Arrivals carry the kernel's receive time.
  ///
  /// - Parameter receiveBuffer: what the kernel may queue, in bytes; nil for the system's default.
  /// - Throws: `EAGAIN` from connect where no local port is left, `ENETUNREACH` and its like where there is no
  ///   route, `EMFILE` without descriptors.
  public static func connected(to peer: SocketAddress, receiveBuffer: Int? = nil) throws(SocketError) -> UDPSocket {
    let socket = try Descriptor.socket(peer.family, SOCK_DGRAM)
    if let receiveBuffer { try socket.setOption(SOL_SOCKET, SO_RCVBUF, to: Int32(receiveBuffer)) }
    try socket.setOption(SOL_SOCKET, CLINUX_SO_TIMESTAMPNS, to: 1)
    switch peer.ip {
    case .v4: try socket.setOption(Int32(IPPROTO_IP), CLINUX_IP_RECVERR, to: 1)
    case .v6: try socket.setOption(Int32(IPPROTO_IPV6), CLINUX_IPV6_RECVERR, to: 1)
    }
    try socket.connect(to: peer)
    return UDPSocket(socket: socket)
  }

  /// The address that the socket is bound to, its port known (getsockname(2)).
  public borrowing func localAddress() throws(SocketError) -> SocketAddress {
    try socket.localAddress()
  }

  /// Sends one datagram to the peer of a connected socket; no bytes are a datagram too.
  ///
  /// - Throws: `EAGAIN` where the send buffer is full, `EMSGSIZE`, or an error that ICMP reported earlier.
  public borrowing func send(_ datagram: [UInt8]) throws(SocketError) {
    let number = socket.number
    _ = try systemCall(.send) { datagram.withUnsafeBytes { Glibc.send(number, $0.baseAddress, $0.count, 0) } }
  }

  /// Takes one datagram from the queue into `buffer`; nil where none is queued.
  ///
  /// - Throws: an error that ICMP reported for a connected socket, such as `ECONNREFUSED`.
  public borrowing func receive(into buffer: ReceiveBuffer) throws(SocketError) -> ReceivedDatagram? {
    var source = sockaddr_storage()
    var control = ControlBuffer()
    let number = socket.number
    return try withUnsafeMutablePointer(to: &source) { source throws(SocketError) in
      try withUnsafeMutableBytes(of: &control.bytes) { control throws(SocketError) in
        var vector = iovec(iov_base: buffer.bytes.baseAddress, iov_len: buffer.bytes.count)
        return try withUnsafeMutablePointer(to: &vector) { vector throws(SocketError) in
          var message = msghdr()
          message.msg_name = UnsafeMutableRawPointer(source)
          message.msg_namelen = socklen_t(MemoryLayout<sockaddr_storage>.size)
          message.msg_iov = vector
          message.msg_iovlen = 1
          message.msg_control = control.baseAddress
          message.msg_controllen = control.count
          guard let length = try nonblockingCall(.recvmsg, { recvmsg(number, &message, 0) }) else { return nil }
          return ReceivedDatagram(length: length, message: &message)
        }
      }
    }
  }

  /// Whether neither a datagram nor an error is queued.
  public borrowing func isIdle() -> Bool {
    let number = socket.number
    do throws(SocketError) {
      return try nonblockingCall(.recv) { recv(number, nil, 0, Int32(MSG_PEEK)) } == nil
    } catch {
      return false
    }
  }

  /// The next error that ICMP or the kernel reported for a connected socket, and how many bytes of the datagram that
  /// met it are now in `buffer`: an ICMP message quotes as much of it as its sender liked. nil where none is queued.
  public borrowing func nextError(quoting buffer: ReceiveBuffer) -> (error: ReportedError, quoted: Int)? {
    ReportedError.next(on: socket.number, quoting: buffer.bytes)
  }

  /// How many datagrams the kernel dropped on this socket, for want of room above all (socket(7), `SO_MEMINFO`).
  public borrowing func droppedDatagrams() -> Int {
    var values = [UInt32](repeating: 0, count: Int(SK_MEMINFO_VARS))
    var length = socklen_t(values.count * MemoryLayout<UInt32>.size)
    let number = socket.number
    let told = try? systemCall(.getsockopt) { getsockopt(number, SOL_SOCKET, CLINUX_SO_MEMINFO, &values, &length) }
    return told == nil ? 0 : Int(values[Int(SK_MEMINFO_DROPS)])
  }

  /// The newest error that ICMP or the kernel reported for a connected socket; the error queue is empty and the
  /// pending error cleared afterwards, or an epoll would tell of it again and again. nil where there was none.
  public borrowing func takeError() -> ReportedError? {
    var newest: ReportedError?
    while let next = ReportedError.next(on: socket.number) { newest = next.error }
    var pending: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    let number = socket.number
    _ = try? systemCall(.getsockopt) { getsockopt(number, SOL_SOCKET, SO_ERROR, &pending, &length) }
    if newest == nil, pending != 0 { newest = ReportedError(errno: Errno(rawValue: pending)) }
    return newest
  }
}

/// What came with a datagram whose bytes are in the caller's buffer.
public struct ReceivedDatagram: Sendable {
  /// The payload's length in bytes; 0 is a datagram.
  public var length: Int
  /// Who sent it.
  public var sender: SocketAddress
  /// When the kernel received it; nil where it did not say.
  public var receivedAt: WallTime?
  /// The buffer was too small, and the rest of the datagram is lost.
  public var isTruncated: Bool

  /// What another kernel than Linux, a simulated one, has received.
  package init(length: Int, sender: SocketAddress, receivedAt: WallTime?, isTruncated: Bool) {
    self.length = length
    self.sender = sender
    self.receivedAt = receivedAt
    self.isTruncated = isTruncated
  }

  init(length: Int, message: inout msghdr) {
    self.length = length
    let name = UnsafeRawBufferPointer(start: message.msg_name, count: Int(message.msg_namelen))
    sender = SocketAddress(sockaddr: name)!  // recvmsg on an IP socket always tells an IP address.
    isTruncated = message.msg_flags & Int32(MSG_TRUNC) != 0
    receivedAt = ControlMessages(&message).receiveTime
  }
}
