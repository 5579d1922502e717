package import Glibc
package import Sockets

/// The C library's sockets, called plainly: the other side of each test, independent of what is tested.
package final class PlainSocket {
  package let descriptor: Int32

  /// Bound to an address; blocking, but for no longer than ten seconds.
  package init(_ type: __socket_type = SOCK_DGRAM, at address: String, options: [Int32] = []) throws {
    let address = SocketAddress(address)!
    let family = address.ip.version == 4 ? AF_INET : AF_INET6
    descriptor = socket(family, Int32(type.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw SocketError(.socket, .init(rawValue: errno)) }
    var patience = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    for option in options { setOption(SOL_SOCKET, option, 1) }
    let status = address.withSockaddr { bind(descriptor, $0, $1) }
    guard status == 0 else { throw SocketError(.bind, .init(rawValue: errno)) }
  }

  /// A connection to a listener; blocking, but for no longer than ten seconds.
  package convenience init(connectedTo peer: SocketAddress) throws {
    try self.init(SOCK_STREAM, at: peer.ip.version == 4 ? "127.0.0.1:0" : "[::1]:0")
    let status = peer.withSockaddr { connect(descriptor, $0, $1) }
    guard status == 0 else { throw SocketError(.connect, .init(rawValue: errno)) }
  }

  deinit {
    close(descriptor)
  }

  package func setOption(_ level: Int32, _ option: Int32, _ value: Int32) {
    var value = value
    setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
  }

  package var address: SocketAddress { localAddress(of: descriptor) }

  /// Sends one datagram; answers what sendto(2) did, -1 for an error.
  @discardableResult
  package func send(_ bytes: [UInt8], to peer: SocketAddress) -> Int {
    bytes.withUnsafeBytes { bytes in
      peer.withSockaddr { sendto(descriptor, bytes.baseAddress, bytes.count, 0, $0, $1) }
    }
  }

  /// Waits for one datagram.
  package func receive() throws -> (bytes: [UInt8], sender: SocketAddress) {
    var bytes = [UInt8](repeating: 0, count: 70_000)
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let received = withUnsafeMutablePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        uninterrupted { recvfrom(descriptor, &bytes, bytes.count, 0, pointer, &length) }
      }
    }
    guard received >= 0 else { throw SocketError(.recvmsg, .init(rawValue: errno)) }
    let sender = withUnsafeBytes(of: &storage) { SocketAddress(sockaddr: $0) }!
    return (Array(bytes.prefix(received)), sender)
  }

  /// Sends on a connection, then receives until its end or its reset.
  package func exchange(_ request: [UInt8]) -> [UInt8] {
    _ = Glibc.send(descriptor, request, request.count, Int32(MSG_NOSIGNAL))
    var answer: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while true {
      let received = uninterrupted { recv(descriptor, &piece, piece.count, 0) }
      if received <= 0 { return answer }
      answer += piece.prefix(received)
    }
  }

  /// Waits for one datagram; its hop limit, where the option to be told it is set.
  package func receiveHopLimit() throws -> Int32? {
    var control = [UInt64](repeating: 0, count: 8)
    let received = control.withUnsafeMutableBytes { control in
      var message = msghdr()
      (message.msg_control, message.msg_controllen) = (control.baseAddress, control.count)
      return uninterrupted { recvmsg(descriptor, &message, 0) }
    }
    guard received >= 0 else { throw SocketError(.recvmsg, .init(rawValue: errno)) }
    // A control message of four bytes: its head (cmsg(3)), then they.
    return control[0] == 20 ? Int32(truncatingIfNeeded: control[2]) : nil
  }

  /// Whether something is queued now.
  package var hasSomething: Bool {
    readiness(of: descriptor, POLLIN, milliseconds: 0) & POLLIN != 0
  }
}

/// The address that a socket is bound to (getsockname(2)).
package func localAddress(of descriptor: Int32) -> SocketAddress {
  var storage = sockaddr_storage()
  var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
  withUnsafeMutablePointer(to: &storage) {
    _ = $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
  }
  return withUnsafeBytes(of: &storage) { SocketAddress(sockaddr: $0) }!
}

/// poll(2) on one descriptor; what it is ready for.
@discardableResult
package func readiness(of descriptor: Int32, _ events: Int32, milliseconds: Int32 = 10_000) -> Int32 {
  var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
  poll(&entry, 1, milliseconds)
  return Int32(entry.revents)
}

/// Bytes that differ from place to place.
package func pattern(_ count: Int) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
}

/// The error that a call throws: a socket cannot be captured by an expectation.
package func error(_ call: () throws -> Void) -> SocketError? {
  do {
    try call()
    return nil
  } catch {
    return error as? SocketError
  }
}

/// Calls again what was interrupted: a call that has a timeout is, wherever the process was stopped (signal(7)).
package func uninterrupted(_ call: () -> Int) -> Int {
  while true {
    let count = call()
    if count >= 0 || errno != EINTR { return count }
  }
}
