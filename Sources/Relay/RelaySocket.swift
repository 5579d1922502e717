import Basics
import EventLoop
import Sockets

/// A connected socket of a relay, and the exchange that it carries.
final class RelaySocket {
  let socket: UDPSocket
  let registration: Registration
  let target: SocketAddress
  let local: SocketAddress
  var exchange: PendingExchange?

  init(_ socket: consuming UDPSocket, _ registration: Registration, target: SocketAddress, local: SocketAddress) {
    self.socket = socket
    self.registration = registration
    self.target = target
    self.local = local
  }
}

/// An exchange with what belongs to it outside its rules.
struct PendingExchange {
  /// Tells it from every other exchange of its relay, those before it on the same socket included.
  let serial: UInt64
  let message: [UInt8]
  var rules = Exchange()
  var timer: EventLoop.TimerID
  /// Just before the send that the kernel took.
  var sentAt: MonotonicTime
  /// An exchange may end before its task waits: then this is its end.
  var result: Result<Reply, RelayError>?
  var waiter: UnsafeContinuation<Result<Reply, RelayError>, Never>?
}
