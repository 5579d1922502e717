public import EventLoop
public import Basics
import Sockets

// What the loop tells of sockets and timers, and what it means to their exchanges.

extension UDPRelay: DescriptorHandler, TimerHandler, TurnHandler {
  public nonisolated func turnEnds() -> MonotonicTime? {
    assumeOnLoop { $0.sendWaiting() }
    return nil
  }

  public nonisolated func descriptorReady(_ readiness: Readiness, token id: Int) {
    assumeOnLoop { $0.ready(id, readiness) }
  }

  public nonisolated func timerFired(_ id: Int) {
    assumeOnLoop { relay in
      if id == Self.housekeepingToken { relay.closeExpired() } else { relay.deadlinePassed(id) }
    }
  }

  /// A turn tells of a bounded number of sockets: the reply may be queued all the same.
  private func deadlinePassed(_ id: SocketPool.SocketID) {
    receiveReply(on: id, mayHaveError: false)
    if let exchange = sockets[id]!.exchange, exchange.result == nil { handle(.deadline, on: id) }
  }

  private func ready(_ id: SocketPool.SocketID, _ readiness: Readiness) {
    guard let socket = sockets[id] else { return }
    guard socket.exchange != nil, socket.exchange!.result == nil else {
      let hadError = readiness.contains(.error) && socket.socket.takeError() != nil
      if readSurplus(on: socket) || hadError, pool.heardSurplus(id, at: loop.now) { budget.retire() }
      return
    }
    if readiness.contains(.writable) {
      watch(id, for: [.readable, .edgeTriggered])
      handle(.writable, on: id)
    }
    receiveReply(on: id, mayHaveError: readiness.contains(.error))
  }

  /// Reads until the exchange has ended or nothing is left: a reply that is queued counts more than an error that was
  /// reported beside it.
  private func receiveReply(on id: SocketPool.SocketID, mayHaveError: Bool) {
    let socket = sockets[id]!
    var reported: ReportedError?
    while let exchange = socket.exchange, exchange.result == nil {
      do throws(SocketError) {
        guard let datagram = try socket.socket.receive(into: buffer) else { break }
        receive(datagram, on: id)
      } catch {
        // Where its entry in the error queue found no room, the error itself is all there is.
        reported = socket.socket.takeError() ?? ReportedError(errno: error.errno)
      }
    }
    if mayHaveError { reported = socket.socket.takeError() ?? reported }
    guard let reported, let exchange = socket.exchange, exchange.result == nil else { return }
    handle(.reported(reported), on: id)
  }

  private func receive(_ datagram: ReceivedDatagram, on id: SocketPool.SocketID) {
    let socket = sockets[id]!
    switch socket.exchange!.rules.handle(.datagram(isTruncated: datagram.isTruncated)) {
    case .deliver:
      let roundTrip = max(.zero, Self.arrival(of: datagram) - socket.exchange!.sentAt)
      let bytes = buffer.prefix(datagram.length)
      let reply = Reply(bytes: bytes, sender: datagram.sender, local: socket.local, roundTrip: roundTrip)
      finish(id, .success(reply))
    case .fail(let error): finish(id, .failure(error))
    case .send, .wait, .waitForRoom: break
    }
  }

  /// When the kernel received the datagram, on our clock: its stamp is of the wall clock, which may be set meanwhile,
  /// so only the stamp's age is taken, and never below zero.
  private static func arrival(of datagram: ReceivedDatagram) -> MonotonicTime {
    let now = MonotonicTime.now()
    guard let stamp = datagram.receivedAt else { return now }
    let age = WallTime.now() - stamp
    return age > .zero && age < .seconds(1) ? now - age : now
  }
}
