import Basics
import Sockets

/// A socket of a relay, and the exchange that it carries.
final class RelaySocket<Network: RelayNetwork> {
  let id: SocketPool.SocketID
  let connection: Network.Connection
  let target: SocketAddress
  /// What its exchange sends, while there is one.
  private(set) var message: [UInt8] = []
  /// Is told of its exchange's end; nil where there is none.
  private var waiter: (any ReplyWaiter)?
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
  var isWaiting: Bool { waiter != nil }

  /// An exchange begins.
  func begin(
    _ exchange: PendingExchange<Network>, with message: consuming [UInt8], for waiter: any ReplyWaiter
  ) {
    self.exchange = exchange
    self.message = message
    self.waiter = waiter
  }

  /// Its exchange has ended: whom to tell, and what was sent.
  func end() -> (waiter: any ReplyWaiter, message: [UInt8]) {
    var sent: [UInt8] = []
    swap(&sent, &message)
    return (waiter.take()!, sent)
  }
}

/// What is known of an exchange that waits for its end, or waited last. Plain values, which nobody has to let go of.
struct PendingExchange<Network: RelayNetwork> {
  /// Tells it from every other exchange of its relay, those before it on the same socket included.
  private(set) var serial: UInt64 = 0
  /// How long it waits, from its first send.
  private(set) var timeout = Nanoseconds.zero
  /// Fires when it has waited so long; nil until it is sent.
  var timer: Network.TimerID?
  var rules = Exchange()
  /// Just before the send that the kernel took; beyond all time until then.
  var sentAt = MonotonicTime(nanoseconds: .max)
  var isSent: Bool { sentAt.nanoseconds < .max }
  /// Something came that answers an earlier message: more may follow, whatever this one's reply.
  var hasHeardSurplus = false

  /// None.
  init() {}

  init(serial: UInt64, timeout: Nanoseconds) {
    self.serial = serial
    self.timeout = timeout
  }
}

/// Names an exchange of a relay, also after its end.
package struct ExchangeID: Hashable, Sendable {
  let socket: SocketPool.SocketID
  let serial: UInt64
}
