import Basics
import Sockets

/// A socket of a relay, and the exchange that it carries.
final class RelaySocket<Network: RelayNetwork> {
  let id: SocketPool.SocketID
  let connection: Network.Connection
  let target: SocketAddress
  var exchange = PendingExchange<Network>()
  /// Its exchange ended before a reply came: the first that comes is that one, late, and no sign of a target that sends
  /// more than it is asked for.
  var isOwedReply = false

  init(_ id: SocketPool.SocketID, _ connection: Network.Connection, target: SocketAddress) {
    self.id = id
    self.connection = connection
    self.target = target
  }

  /// An exchange on it waits for its end.
  var isWaiting: Bool { exchange.waiter != nil }
}

/// An exchange with what belongs to it outside its rules, or none.
///
/// Not an optional value: to look at a part of one is to copy all of it.
struct PendingExchange<Network: RelayNetwork> {
  /// Is told of its end; nil where there is no exchange.
  private(set) var waiter: (any ReplyWaiter)?
  /// Tells it from every other exchange of its relay, those before it on the same socket included.
  private(set) var serial: UInt64 = 0
  private(set) var message: [UInt8] = []
  private(set) var timer: Network.TimerID?
  var rules = Exchange()
  /// Just before the send that the kernel took; beyond all time until then.
  var sentAt = MonotonicTime(nanoseconds: .max)
  var isSent: Bool { sentAt.nanoseconds < .max }
  /// Something came that answers an earlier message: more may follow, whatever this one's reply.
  var hasHeardSurplus = false

  /// None.
  init() {}

  init(serial: UInt64, message: [UInt8], timer: Network.TimerID, waiter: any ReplyWaiter) {
    self.serial = serial
    self.message = message
    self.timer = timer
    self.waiter = waiter
  }
}

/// Names an exchange of a relay, also after its end.
package struct ExchangeID: Hashable, Sendable {
  let socket: SocketPool.SocketID
  let serial: UInt64
}
