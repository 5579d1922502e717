import EventLoop
import Sockets

/// The socket of a series, in the loop's care. It stays when the series is over, until nothing late can come to its
/// port.
final class ProbeSocket {
  let socket: UDPSocket
  let registration: Registration
  let port: UInt16
  /// Names it to the loop.
  let token: Int
  /// When there is something to do for it.
  var timer: EventLoop.TimerID?

  init(_ socket: consuming UDPSocket, _ registration: Registration, port: UInt16, token: Int) {
    self.socket = socket
    self.registration = registration
    self.port = port
    self.token = token
  }
}
