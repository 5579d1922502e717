import Basics
import Sockets

// Where a message's socket comes from, and where it ends.

extension RelayEngine {
  /// The socket for a message: a rested one, if nothing is queued on it, else a new one.
  mutating func takeSocket(for target: SocketAddress, fresh: Bool) throws(RelayError) -> RelaySocket<Network> {
    while true {
      switch pool.take(for: target, fresh: fresh, at: network.now) {
      case .none: throw .overloaded(.restedSockets)
      case .exhausted: throw .overloaded(.retiredSockets)
      case .open: return try open(target)
      case .reuse(let id):
        let socket = sockets[id]!
        if socket.connection.isIdle() { return socket }
        _ = readSurplus(on: id)
        _ = pool.heardSurplus(id, at: network.monotonicTime())
        retire(id)
      }
    }
  }

  private mutating func open(_ target: SocketAddress) throws(RelayError) -> RelaySocket<Network> {
    let id = freeIDs.popLast() ?? sockets.count
    if id == sockets.count { sockets.append(nil) }
    do throws(SocketError) {
      let socket = RelaySocket<Network>(id, try network.open(to: target, token: id), target: target)
      sockets[id] = socket
      pool.opened(id, for: target)
      return socket
    } catch {
      freeIDs.append(id)
      pool.abandoned(target)
      throw RelayError(opening: error)
    }
  }

  /// The socket may still hear something late: it is held until that is over.
  mutating func retire(_ id: SocketID) {
    pool.retire(id, at: network.monotonicTime())
    budget.retire()
  }

  /// Closes a socket that the pool has forgotten. What came unnoticed is counted, not closed away.
  mutating func close(_ id: SocketID) {
    let socket = sockets[id]!
    if readSurplus(on: id) { pool.heardSurplus(from: socket.target, at: network.monotonicTime()) }
    network.close(socket.connection)
    sockets[id] = nil
    freeIDs.append(id)
  }

  /// Reads away what is queued on a socket that waits for nothing, and counts the datagrams.
  ///
  /// - Returns: whether there was anything, errors included.
  mutating func readSurplus(on id: SocketID) -> Bool {
    let socket = sockets[id]!
    var hasRead = false
    // A target that floods is not to hold the loop: what is left is found before the socket is used, or closed.
    for _ in 0..<Limits.surplusReadsPerTurn {
      do throws(SocketError) {
        guard try socket.connection.receive(into: buffer) != nil else { return hasRead }
        lateReplies += 1
        if socket.isOwedReply {
          socket.isOwedReply = false
          continue
        }
      } catch {
        _ = socket.connection.takeError()
      }
      hasRead = true
    }
    return hasRead
  }

  /// Sockets are closed when their time is over; nothing waits for that, so once a second will do.
  mutating func keepHouse() {
    guard housekeeping == nil, pool.count > 0 else { return }
    housekeeping = network.schedule(at: network.now + .seconds(1), token: Self.housekeepingToken)
  }

  static var housekeepingToken: Int { -1 }

  mutating func closeExpired() {
    housekeeping = nil
    while let (id, wasRetired) = pool.popExpired(at: network.now) {
      if wasRetired { budget.unretire() }
      close(id)
    }
    pool.forgetIdleTargets(at: network.now)
    keepHouse()
  }
}
