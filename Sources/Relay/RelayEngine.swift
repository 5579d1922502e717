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
    _ message: [UInt8], with target: SocketAddress, within timeout: Nanoseconds, fresh: Bool,
    for waiter: any ReplyWaiter
  ) throws(RelayError) -> ExchangeID {
    let limit = largestPayload(to: target)
    guard message.count <= limit else { throw .messageTooLarge(limit: limit) }
    guard budget.begin() else { throw .overloaded(.exchanges) }
    do throws(RelayError) {
      let id = try takeSocket(for: target, fresh: fresh)
      return start(message, on: id, within: timeout, for: waiter)
    } catch {
      budget.end()
      throw error
    }
  }

  private mutating func start(
    _ message: [UInt8], on id: SocketID, within timeout: Nanoseconds, for waiter: any ReplyWaiter
  ) -> ExchangeID {
    lastSerial += 1
    let timer = network.schedule(at: network.monotonicTime() + timeout, token: id)
    sockets[id]!.exchange = PendingExchange(serial: lastSerial, message: message, timer: timer, waiter: waiter)
    let exchange = ExchangeID(socket: id, serial: lastSerial)
    outbox.append(exchange)
    return exchange
  }

  /// Sends what this turn's messages have put into the outbox. Sent one by one between other work, each datagram would
  /// find its receiver asleep again, and waking it is a third of what sending costs.
  package mutating func sendWaiting() {
    for index in outbox.indices where isPending(outbox[index]) { send(outbox[index].socket) }
    outbox.removeAll(keepingCapacity: true)
  }

  private func isPending(_ id: ExchangeID) -> Bool {
    sockets[id.socket]?.exchange?.serial == id.serial
  }

  private mutating func send(_ id: SocketID) {
    let socket = sockets[id]!
    let event: Exchange.Event
    let time = network.monotonicTime()
    do throws(SocketError) {
      try socket.connection.send(socket.exchange!.message)
      socket.exchange!.sentAt = time
      event = .sent
    } catch {
      event = .sendFailed(error.errno)
    }
    handle(event, on: id)
  }
}

// MARK: - The end

extension RelayEngine {
  /// Nobody wants the reply any more; the exchange may have ended long ago, and its socket carry another.
  package mutating func cancel(_ id: ExchangeID) {
    if isPending(id) { handle(.cancelled, on: id.socket) }
  }

  mutating func handle(_ event: Exchange.Event, on id: SocketID) {
    switch sockets[id]!.exchange!.rules.handle(event) {
    case .send: send(id)
    case .waitForRoom: waitForRoom(on: id)
    case .wait: break
    case .deliver: preconditionFailure("only a datagram is delivered, and arrives with its bytes")
    case .fail(let error): fail(id, error)
    }
  }

  private mutating func waitForRoom(on id: SocketID) {
    do throws(SocketError) {
      try network.watch(sockets[id]!.connection, forRoom: true)
    } catch {
      fail(id, RelayError(opening: error))
    }
  }

  mutating func fail(_ id: SocketID, _ error: RelayError) {
    retire(id)
    sockets[id]!.isOwedReply = sockets[id]!.exchange!.isSent && (error == .cancelled || error == .noReply)
    finish(id, .failure(error))
  }

  /// - Parameter time: when the reply was read: the rest begins then, not when the turn did.
  mutating func deliver(_ reply: Reply, on id: SocketID, at time: MonotonicTime) {
    if sockets[id]!.exchange!.hasHeardSurplus {
      retire(id)
    } else {
      switch pool.rest(id, at: time) {
      case .closed(let displaced)?: close(displaced)
      case .retired?: budget.retire()
      case nil: break
      }
    }
    finish(id, .success(reply))
  }

  private mutating func finish(_ id: SocketID, _ result: Result<Reply, RelayError>) {
    let socket = sockets[id]!
    let exchange = socket.exchange.take()!
    network.cancel(exchange.timer)
    budget.end()
    keepHouse()
    exchange.waiter.exchangeEnded(result)
  }
}

/// The longest message that fits into one datagram to an address, in bytes.
private func largestPayload(to address: SocketAddress) -> Int {
  switch address.ip {
  case .v4: Limits.largestPayloadIPv4
  case .v6: Limits.largestPayloadIPv6
  }
}
