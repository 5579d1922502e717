import Basics
import Sockets

/// A socket of a relay, and the exchange that it carries.
final class RelaySocket<Network: RelayNetwork> {
  let connection: Network.Connection
  let target: SocketAddress
  var exchange: PendingExchange<Network>?
  /// Its exchange ended before a reply came: the first that comes is that one, late, and no sign of a target that sends
  /// more than it is asked for.
  var isOwedReply = false

  init(_ connection: Network.Connection, target: SocketAddress) {
    self.connection = connection
    self.target = target
  }
}

/// An exchange with what belongs to it outside its rules.
struct PendingExchange<Network: RelayNetwork> {
  /// Tells it from every other exchange of its relay, those before it on the same socket included.
  let serial: UInt64
  let message: [UInt8]
  var rules = Exchange()
  let timer: Network.TimerID
  /// Just before the send that the kernel took; beyond all time until then.
  var sentAt = MonotonicTime(nanoseconds: .max)
  var isSent: Bool { sentAt.nanoseconds < .max }
  /// Something came that answers an earlier message: more may follow, whatever this one's reply.
  var hasHeardSurplus = false
  /// Is told of its end.
  let waiter: any ReplyWaiter
}

/// Names an exchange of a relay, also after its end.
package struct ExchangeID: Hashable, Sendable {
  let socket: SocketPool.SocketID
  let serial: UInt64
}
