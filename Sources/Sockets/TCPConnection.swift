import Basics
import Glibc

/// A TCP connection of a client that can wait: `healthcheck` needs one answer, not a loop.
public struct TCPConnection: ~Copyable {
  private let socket: Descriptor
  private let deadline: MonotonicTime

  /// Connects within `timeout`, which bounds everything that follows too.
  ///
  /// - Throws: `ECONNREFUSED` and its like; `ETIMEDOUT` where the time passed.
  public init(to peer: SocketAddress, timeout: Nanoseconds) throws(SocketError) {
    let deadline = MonotonicTime.now() + timeout
    let socket = try Descriptor.socket(peer.family, SOCK_STREAM)
    do throws(SocketError) {
      try socket.connect(to: peer)
    } catch  where error.errno == .nowInProgress {
      try Self.wait(socket.number, for: POLLOUT, until: deadline)
      try Self.checkConnected(socket.number)
    }
    self.deadline = deadline
    self.socket = socket
  }

  /// Sends all of `bytes`.
  public borrowing func send(_ bytes: [UInt8]) throws(SocketError) {
    var rest = bytes[...]
    let number = socket.number
    while !rest.isEmpty {
      let sent = try nonblockingCall(.send) {
        rest.withUnsafeBytes { Glibc.send(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      }
      if let sent { rest = rest.dropFirst(sent) } else { try Self.wait(number, for: POLLOUT, until: deadline) }
    }
  }

  /// Receives up to `count` bytes; none where the other side has ended its sending.
  public borrowing func receive(upTo count: Int) throws(SocketError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let number = socket.number
    while true {
      let received = try nonblockingCall(.read) {
        bytes.withUnsafeMutableBytes { read(number, $0.baseAddress, $0.count) }
      }
      if let received { return Array(bytes.prefix(received)) }
      try Self.wait(number, for: POLLIN, until: deadline)
    }
  }

  /// The number that something else may read and write by, while this connection lives.
  public var descriptor: Int32 { socket.number }

  /// Waits until there is something to read, or room to write.
  public borrowing func wait(forWriting: Bool) throws(SocketError) {
    try Self.wait(socket.number, for: forWriting ? POLLOUT : POLLIN, until: deadline)
  }

  private static func wait(_ number: Int32, for events: Int32, until deadline: MonotonicTime) throws(SocketError) {
    var entry = pollfd(fd: number, events: Int16(events), revents: 0)
    let left = Int32(clamping: max(0, (deadline - .now()).count / 1_000_000 + 1))
    let ready = try systemCall(.poll) { poll(&entry, 1, MonotonicTime.now() < deadline ? left : 0) }
    if ready == 0 { throw SocketError(.poll, .timedOut) }
  }

  private static func checkConnected(_ number: Int32) throws(SocketError) {
    var error: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    _ = try systemCall(.getsockopt) { getsockopt(number, SOL_SOCKET, SO_ERROR, &error, &length) }
    if error != 0 { throw SocketError(.connect, .init(rawValue: error)) }
  }
}
