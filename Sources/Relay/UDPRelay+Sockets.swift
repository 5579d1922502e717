import Basics
import EventLoop
import Sockets

// Where a message's socket comes from, and where it ends.

extension UDPRelay {
  /// The socket for a message: a rested one, if nothing is queued on it, else a new one.
  func takeSocket(for target: SocketAddress, fresh: Bool) throws(RelayError) -> SocketPool.SocketID {
    while true {
      switch pool.take(for: target, fresh: fresh, at: loop.now) {
      case .none: throw .overloaded(.restedSockets)
      case .exhausted: throw .overloaded(.retiredSockets)
      case .open: return try open(target)
      case .reuse(let id):
        if sockets[id]!.socket.isIdle() { return id }
        _ = readSurplus(on: sockets[id]!)
        _ = pool.heardSurplus(id, at: loop.now)
        retire(id)
      }
    }
  }

  private func open(_ target: SocketAddress) throws(RelayError) -> SocketPool.SocketID {
    let id = freeIDs.popLast() ?? sockets.count
    if id == sockets.count { sockets.append(nil) }
    do throws(SocketError) {
      let socket = try UDPSocket.connected(to: target)
      let local = try socket.localAddress()
      let interest: Readiness = [.readable, .edgeTriggered]
      let registration = try loop.register(socket.descriptor, for: interest, handler: self, token: id)
      sockets[id] = RelaySocket(socket, registration, target: target, local: local)
      pool.opened(id, for: target)
      return id
    } catch {
      freeIDs.append(id)
      pool.abandoned(target)
      throw RelayError(opening: error)
    }
  }

  func close(_ id: SocketPool.SocketID) {
    loop.deregister(sockets[id]!.registration)
    sockets[id] = nil
    freeIDs.append(id)
  }

  /// Reads away what is queued on a socket that waits for nothing, and counts the datagrams.
  ///
  /// - Returns: whether there was anything, errors included.
  func readSurplus(on socket: RelaySocket) -> Bool {
    var hasRead = false
    // A target that floods is not to hold the loop: what is left is found before the socket is used, or closed.
    for _ in 0..<Limits.surplusReadsPerTurn {
      do throws(SocketError) {
        guard try socket.socket.receive(into: buffer) != nil else { return hasRead }
        lateReplies += 1
      } catch {
        _ = socket.socket.takeError()
      }
      hasRead = true
    }
    return hasRead
  }

  /// Sockets are closed when their time is over; nothing waits for that, so once a second will do.
  func keepHouse() {
    guard housekeeping == nil, pool.count > 0 else { return }
    housekeeping = loop.schedule(at: loop.now + .seconds(1), handler: self, token: Self.housekeepingToken)
  }

  static let housekeepingToken = -1

  func closeExpired() {
    housekeeping = nil
    while let (id, wasRetired) = pool.popExpired(at: loop.now) {
      // What came while the loop was busy is counted, not closed away.
      _ = readSurplus(on: sockets[id]!)
      if wasRetired { budget.unretire() }
      close(id)
    }
    pool.forgetIdleTargets(at: loop.now)
    keepHouse()
  }
}
