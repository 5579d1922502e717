import Basics
import Sockets

/// Sends messages and hands each its own reply, on whatever network and time it is given.
///
/// The rules are elsewhere and pure: ``Exchange`` says what becomes of a message, ``SocketPool`` which socket carries
/// it, ``ExchangeBudget`` how many there may be. Here they meet sockets, timers and those who wait. A message's way is
/// ``begin(_:with:within:fresh:for:)``, ``sendWaiting()`` at the turn's end, ``ready(_:_:)``, and its waiter's end.
package struct RelayEngine<Network: RelayNetwork>: ~Copyable {
  package typealias SocketID = SocketPool.SocketID

  package let network: Network
  let budget: ExchangeBudget
  package internal(set) var pool: SocketPool
  var sockets: [RelaySocket<Network>?] = []
  var freeIDs: [SocketID] = []
  private var lastSerial: UInt64 = 0
  /// What leaves when this turn ends; see ``sendWaiting()``.
  private var outbox: [ExchangeID] = []
  var housekeeping: Network.TimerID?
  let buffer = ReceiveBuffer()

  /// Datagrams that arrived when nobody waited for them: late replies and duplicates.
  package internal(set) var lateReplies = 0

  package init(on network: Network, budget: ExchangeBudget, pool: SocketPool) {
    self.network = network
    self.budget = budget
    self.pool = pool
  }
}

// MARK: - The begin

extension RelayEngine {
  /// Begins an exchange. Its message leaves with the next ``sendWaiting()``; its end is told to `waiter`, not before
  /// that.
  ///
  /// - Throws: why there is no exchange; then nothing is sent, and nothing is told.
  package mutating func begin(
    _ message: consuming [UInt8], with target: SocketAddress, within timeout: Nanoseconds, fresh: Bool,
    for waiter: any ReplyWaiter
  ) throws(RelayError) -> ExchangeID {
    let limit = largestPayload(to: target)
    guard message.count <= limit else { throw .messageTooLarge(limit: limit) }
    guard budget.begin() else { throw .overloaded(.exchanges) }
    do throws(RelayError) {
      let socket = try takeSocket(for: target, fresh: fresh)
      lastSerial += 1
      let exchange = ExchangeID(socket: socket.id, serial: lastSerial)
      outbox.append(exchange)
      socket.begin(PendingExchange(serial: lastSerial, timeout: timeout), with: message, for: waiter)
      return exchange
    } catch {
      budget.end()
      throw error
    }
  }

  /// Sends what this turn's messages have put into the outbox. Sent one by one between other work, each datagram would
  /// find its receiver asleep again, and waking it is a third of what sending costs.
  ///
  /// - Returns: whether that was the end of one, since it could not be sent.
  package mutating func sendWaiting() -> Bool {
    var hasEnded = false
    for index in outbox.indices {
      guard let socket = socket(of: outbox[index]) else { continue }
      send(on: socket)
      hasEnded = hasEnded || !socket.isWaiting
    }
    outbox.removeAll(keepingCapacity: true)
    return hasEnded
  }

  /// The socket of an exchange that has not ended.
  private func socket(of id: ExchangeID) -> RelaySocket<Network>? {
    guard let socket = sockets[id.socket], socket.isWaiting, socket.exchange.serial == id.serial else { return nil }
    return socket
  }

  private mutating func send(on socket: RelaySocket<Network>) {
    let event: Exchange.Event
    let time = network.monotonicTime()
    if socket.exchange.timer == nil {
      socket.exchange.timer = network.schedule(at: time + socket.exchange.timeout, token: socket.id)
    }
    do throws(SocketError) {
      try socket.connection.send(socket.message)
      socket.exchange.sentAt = time
      event = .sent
    } catch {
      event = .sendFailed(error.errno)
    }
    handle(event, on: socket)
  }
}

// MARK: - The end

extension RelayEngine {
  /// Nobody wants the reply any more; the exchange may have ended long ago, and its socket carry another.
  package mutating func cancel(_ id: ExchangeID) {
    if let socket = socket(of: id) { handle(.cancelled, on: socket) }
  }

  mutating func handle(_ event: Exchange.Event, on socket: RelaySocket<Network>) {
    switch socket.exchange.rules.handle(event) {
    case .send: send(on: socket)
    case .waitForRoom: waitForRoom(on: socket)
    case .wait: break
    case .deliver: preconditionFailure("only a datagram is delivered, and arrives with its bytes")
    case .fail(let error): fail(socket, error)
    }
  }

  private mutating func waitForRoom(on socket: RelaySocket<Network>) {
    do throws(SocketError) {
      try network.watch(socket.connection, forRoom: true)
    } catch {
      fail(socket, RelayError(opening: error))
    }
  }

  mutating func fail(_ socket: RelaySocket<Network>, _ error: RelayError) {
    retire(socket.id)
    socket.isOwedReply = socket.exchange.isSent && (error == .cancelled || error == .noReply)
    end(socket).waiter.exchangeFailed(error)
  }

  /// - Parameter time: when the reply was read: the rest begins then, not when the turn did.
  mutating func deliver(
    _ payload: Span<UInt8>, _ passage: ReplyPassage, on socket: RelaySocket<Network>, at time: MonotonicTime
  ) {
    var displaced: SocketID?
    if socket.exchange.hasHeardSurplus {
      retire(socket.id)
    } else {
      switch pool.rest(socket.id, at: time) {
      case .closed(let id)?: displaced = id
      case .retired?: budget.retire()
      case nil: break
      }
    }
    let (waiter, message) = end(socket)
    waiter.exchangeEnded(by: payload, passage, to: message)
    // Not before: what is queued on it is read to where the payload lies.
    if let displaced { close(displaced) }
  }

  private mutating func end(_ socket: RelaySocket<Network>) -> (waiter: any ReplyWaiter, message: [UInt8]) {
    if let timer = socket.exchange.timer { network.cancel(timer) }
    budget.end()
    keepHouse()
    return socket.end()
  }
}

/// The longest message that fits into one datagram to an address, in bytes.
private func largestPayload(to address: SocketAddress) -> Int {
  switch address.ip {
  case .v4: Limits.largestPayloadIPv4
  case .v6: Limits.largestPayloadIPv6
  }
}
