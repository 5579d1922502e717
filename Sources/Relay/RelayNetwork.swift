import Basics
import Sockets

/// What a relay stands on: sockets and the time.
///
/// In the program that is the kernel and a loop (``LoopNetwork``). Tests make all of it up, so that the very code that
/// serves users meets every fault there is, in an order that replays.
package protocol RelayNetwork {
  associatedtype Connection: RelayConnection
  associatedtype TimerID

  /// When this turn of the loop began.
  var now: MonotonicTime { get }
  /// The clock's present reading.
  func monotonicTime() -> MonotonicTime
  /// The present reading of the clock that arrivals are stamped with.
  func wallTime() -> WallTime

  /// A socket that talks to `target` alone. The relay is told with `token` when there is something to read, once for
  /// what comes and not for what stays.
  func open(to target: SocketAddress, token: Int) throws(SocketError) -> Connection
  /// From now on the relay is told when the socket has room as well, or no longer so.
  func watch(_ connection: Connection, forRoom: Bool) throws(SocketError)
  /// The relay is told nothing more of the socket, which is closed with its last reference.
  func close(_ connection: Connection)

  /// Has the relay told with `token` at `deadline` or just after, unless that is cancelled before.
  func schedule(at deadline: MonotonicTime, token: Int) -> TimerID
  /// Takes a timer back.
  func cancel(_ timer: TimerID)
}

/// A connected UDP socket, as ``UDPSocket`` is one.
package protocol RelayConnection: AnyObject {
  /// The address that it is bound to.
  var local: SocketAddress { get }

  /// Sends one datagram to the peer.
  func send(_ datagram: [UInt8]) throws(SocketError)
  /// Takes one datagram from the queue; nil where none is queued.
  func receive(into buffer: ReceiveBuffer) throws(SocketError) -> ReceivedDatagram?
  /// Whether neither a datagram nor an error is queued.
  func isIdle() -> Bool
  /// The newest error that was reported; none is left pending.
  func takeError() -> ReportedError?
}

/// Who waits for an exchange's end, and is told in one of these ways. The relay is in the midst of something: nothing
/// is asked of it from there.
package protocol ReplyWaiter: AnyObject {
  /// The reply to `message` has come. Its payload is lent: it lies where it was received.
  func exchangeEnded(by payload: Span<UInt8>, _ passage: ReplyPassage, to message: [UInt8])
  /// No reply will come.
  func exchangeFailed(_ error: RelayError)
}
