import Basics
import Glibc
import Sockets

// A connection's beginning. libmicrohttpd is given it with its first bytes, which have been looked at: see ``Opening``.
// One that never speaks has none of its memory.

extension HTTPWorker {
  /// There is something to read; of interest until libmicrohttpd has the connection.
  func bytesArrived(_ descriptor: Int) {
    guard let connection = connections[descriptor], connection.isHeld else { return }
    if connection.isAnsweredPast { return discardUnread(connection) }
    do throws(SocketError) {
      switch try opening(of: connection) {
      case nil: drop(connection)
      case .incomplete?: break
      case .refused?:
        sendAtOnce(application.refuse(refusedOpening), on: connection)
        discardUnread(connection)
      case .request(let offset)?: handOver(connection, firstHeadBehind: offset)
      }
    } catch {
      if !error.isWouldBlock { drop(connection) }
    }
  }

  /// Looks at the first bytes and leaves them where they are; nil where there will be none.
  private func opening(of connection: HTTPConnection) throws(SocketError) -> Opening? {
    var bytes = SIMD32<UInt8>()
    let descriptor = connection.descriptor
    let count = try systemCall(.recv) {
      withUnsafeMutableBytes(of: &bytes) { recv(descriptor, $0.baseAddress, $0.count, Int32(MSG_PEEK | MSG_DONTWAIT)) }
    }
    if certificate != nil, count > 0 { return openingOfSession(bytes[0]) }
    return count == 0 ? nil : withUnsafeBytes(of: &bytes) { Opening(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
  }

  /// Ends a connection that libmicrohttpd does not have.
  func drop(_ connection: HTTPConnection) {
    discardUnread(connection)
    closed(connection)
    _ = Descriptor(owning: connection.descriptor)
  }

  /// Closing over unread bytes is a reset (RFC 9293 section 3.10.4), which takes back an answer that is on its way.
  private func discardUnread(_ connection: HTTPConnection) {
    recv(connection.descriptor, nil, Limits.requestBody, Int32(MSG_DONTWAIT | MSG_TRUNC))
  }
}
