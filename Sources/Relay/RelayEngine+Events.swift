import Basics
import EventLoop
import Sockets

// What is told of sockets and timers, and what it means to their exchanges.

extension RelayEngine {
  /// A timer is due that was scheduled with `token`.
  package mutating func timerFired(_ token: Int) {
    if token == Self.housekeepingToken { closeExpired() } else { deadlinePassed(token) }
  }

  /// A turn tells of a bounded number of sockets: the reply may be queued all the same.
  private mutating func deadlinePassed(_ id: SocketID) {
    let socket = sockets[id]!
    receiveReply(on: socket, mayHaveError: false)
    if socket.isWaiting { handle(.deadline, on: socket) }
  }

  /// A socket has something to read, an error to tell, or room.
  package mutating func ready(_ id: SocketID, _ readiness: Readiness) {
    guard let socket = sockets[id] else { return }
    guard socket.isWaiting else {
      let hadError = readiness.contains(.error) && socket.connection.takeError() != nil
      if readSurplus(on: id) || hadError, pool.heardSurplus(id, at: network.monotonicTime()) { budget.retire() }
      return
    }
    if readiness.contains(.writable) {
      // Told of room once more than needed, the exchange would do no worse than to send.
      try? network.watch(socket.connection, forRoom: false)
      handle(.writable, on: socket)
    }
    receiveReply(on: socket, mayHaveError: readiness.contains(.error))
  }

  /// Reads until the exchange has ended or nothing is left: a reply that is queued counts more than an error that was
  /// reported beside it.
  private mutating func receiveReply(on socket: RelaySocket<Network>, mayHaveError: Bool) {
    var reported: ReportedError?
    while socket.isWaiting {
      do throws(SocketError) {
        guard let datagram = try socket.connection.receive(into: buffer) else { break }
        receive(datagram, on: socket)
      } catch {
        // Where its entry in the error queue found no room, the error itself is all there is.
        reported = socket.connection.takeError() ?? ReportedError(errno: error.errno)
      }
    }
    if mayHaveError { reported = socket.connection.takeError() ?? reported }
    if let reported, socket.isWaiting { handle(.reported(reported), on: socket) }
  }

  private mutating func receive(_ datagram: ReceivedDatagram, on socket: RelaySocket<Network>) {
    let arrival = Arrival(
      datagram.receivedAt, wallTime: { network.wallTime() }, monotonicTime: { network.monotonicTime() })
    // What came before the message left is no reply to it: a late one to the socket's last message, or a stranger's
    // that came while the socket had a port and no peer yet.
    guard arrival.time >= socket.exchange.sentAt else {
      lateReplies += 1
      socket.exchange.hasHeardSurplus = true
      return pool.heardSurplus(from: socket.target, at: arrival.readAt)
    }
    switch socket.exchange.rules.handle(.datagram(isTruncated: datagram.isTruncated)) {
    case .deliver:
      let passage = ReplyPassage(
        sender: datagram.sender, local: socket.connection.local, roundTrip: arrival.time - socket.exchange.sentAt)
      let payload = UnsafeRawBufferPointer(rebasing: buffer.bytes[..<datagram.length])
      deliver(payload.assumingMemoryBound(to: UInt8.self).span, passage, on: socket, at: arrival.readAt)
    case .fail(let error): fail(socket, error)
    case .send, .wait, .waitForRoom: break
    }
  }
}
