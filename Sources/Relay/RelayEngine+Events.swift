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
    receiveReply(on: id, mayHaveError: false)
    if isWaiting(id) { handle(.deadline, on: id) }
  }

  /// A socket has something to read, an error to tell, or room.
  package mutating func ready(_ id: SocketID, _ readiness: Readiness) {
    guard let socket = sockets[id] else { return }
    guard isWaiting(id) else {
      let hadError = readiness.contains(.error) && socket.connection.takeError() != nil
      if readSurplus(on: id) || hadError, pool.heardSurplus(id, at: network.monotonicTime()) { budget.retire() }
      return
    }
    if readiness.contains(.writable) {
      // Told of room once more than needed, the exchange would do no worse than to send.
      try? network.watch(socket.connection, forRoom: false)
      handle(.writable, on: id)
    }
    receiveReply(on: id, mayHaveError: readiness.contains(.error))
  }

  /// Whether an exchange on the socket still waits for its end.
  private func isWaiting(_ id: SocketID) -> Bool {
    sockets[id]!.exchange != nil
  }

  /// Reads until the exchange has ended or nothing is left: a reply that is queued counts more than an error that was
  /// reported beside it.
  private mutating func receiveReply(on id: SocketID, mayHaveError: Bool) {
    let socket = sockets[id]!
    var reported: ReportedError?
    while isWaiting(id) {
      do throws(SocketError) {
        guard let datagram = try socket.connection.receive(into: buffer) else { break }
        receive(datagram, on: id)
      } catch {
        // Where its entry in the error queue found no room, the error itself is all there is.
        reported = socket.connection.takeError() ?? ReportedError(errno: error.errno)
      }
    }
    if mayHaveError { reported = socket.connection.takeError() ?? reported }
    if let reported, isWaiting(id) { handle(.reported(reported), on: id) }
  }

  private mutating func receive(_ datagram: ReceivedDatagram, on id: SocketID) {
    let socket = sockets[id]!
    let network = network
    let arrival = Arrival(
      datagram.receivedAt, wallTime: { network.wallTime() }, monotonicTime: { network.monotonicTime() })
    // What came before the message left is no reply to it: a late one to the socket's last message, or a stranger's
    // that came while the socket had a port and no peer yet.
    guard arrival.time >= socket.exchange!.sentAt else {
      lateReplies += 1
      socket.exchange!.hasHeardSurplus = true
      return pool.heardSurplus(from: socket.target, at: arrival.readAt)
    }
    switch socket.exchange!.rules.handle(.datagram(isTruncated: datagram.isTruncated)) {
    case .deliver:
      let reply = Reply(
        bytes: buffer.prefix(datagram.length), sender: datagram.sender, local: socket.connection.local,
        roundTrip: arrival.time - socket.exchange!.sentAt)
      deliver(reply, on: id, at: arrival.readAt)
    case .fail(let error): fail(id, error)
    case .send, .wait, .waitForRoom: break
    }
  }
}
