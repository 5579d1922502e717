import CLinux
import Glibc

/// The socket on which a service manager is told how a service is (sd_notify(3), unix(7)).
public struct NotifySocket: ~Copyable, Sendable {
  private let socket: Descriptor
  /// How long a manager that reads nothing is waited for, in milliseconds: it is not worth more than a message.
  private static let patience: Int32 = 1000

  /// Connects to what `NOTIFY_SOCKET` names: a path, or `@` and a name that is in no file system.
  ///
  /// - Throws: `EINVAL` for what names neither, else what connect(2) says of it.
  public init(address: String) throws(SocketError) {
    guard case (var name, let length)? = Self.name(address) else { throw SocketError(.connect, .invalidArgument) }
    let socket = try Descriptor.socket(AF_UNIX, SOCK_DGRAM)
    let number = socket.number
    _ = try systemCall(.connect) {
      withUnsafePointer(to: &name) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(number, $0, length) }
      }
    }
    self.socket = socket
  }

  /// Sends one message, lines of `NAME=value`.
  ///
  /// - Throws: `EAGAIN` where nobody has read the earlier ones, `ECONNREFUSED` where nobody listens any more.
  public borrowing func send(_ message: String) throws(SocketError) {
    let bytes = Array(message.utf8)
    let number = socket.number
    do throws(SocketError) {
      try Self.send(bytes, number)
    } catch  where error.isWouldBlock {
      var entry = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
      _ = try systemCall(.poll) { poll(&entry, 1, Self.patience) }
      try Self.send(bytes, number)
    }
  }

  private static func send(_ bytes: [UInt8], _ number: Int32) throws(SocketError) {
    _ = try systemCall(.send) { bytes.withUnsafeBytes { Glibc.send(number, $0.baseAddress, $0.count, 0) } }
  }

  /// The kernel's form of such a name; nil where it is none, or longer than 107 bytes.
  private static func name(_ text: String) -> (sockaddr_un, socklen_t)? {
    var bytes = Array(text.utf8)
    var name = sockaddr_un()
    guard let first = bytes.first, bytes.count < MemoryLayout.size(ofValue: name.sun_path) else { return nil }
    switch first {
    case UInt8(ascii: "@"): bytes[0] = 0
    case UInt8(ascii: "/"): break
    default: return nil
    }
    name.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: bytes) }
    // A name outside the file system ends where its length says, a path with the NUL that is there already.
    let terminator = bytes[0] == 0 ? 0 : 1
    return (name, socklen_t(MemoryLayout<sa_family_t>.size + bytes.count + terminator))
  }
}
