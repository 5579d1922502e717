public import Basics
public import EventLoop
public import Sockets

/// Sends messages to UDP targets and hands each its own reply, on one loop.
///
/// The rules are elsewhere and pure: ``Exchange`` says what becomes of a message, ``SocketPool`` which socket carries
/// it, ``ExchangeBudget`` how many there may be. Here they meet sockets, timers and waiting tasks.
public actor UDPRelay: LoopActor {
  /// The loop that everything here runs on.
  public nonisolated let loop: EventLoop
  let budget: ExchangeBudget
  var pool: SocketPool
  var sockets: [RelaySocket?] = []
  var freeIDs: [SocketPool.SocketID] = []
  private var lastSerial: UInt64 = 0
  /// What leaves when this turn ends; see ``sendWaiting()``.
  private var outbox: [(id: SocketPool.SocketID, serial: UInt64)] = []
  private var isTurnHandler = false
  var housekeeping: EventLoop.TimerID?
  let buffer = ReceiveBuffer()

  /// Datagrams that arrived when nobody waited for them: late replies and duplicates.
  public internal(set) var lateReplies = 0

  /// A relay on `loop`.
  ///
  /// - Parameters:
  ///   - budget: shared by the relays of all loops.
  ///   - restingCapacity: how many of this loop's sockets may rest.
  public init(on loop: EventLoop, budget: ExchangeBudget, restingCapacity: Int) {
    self.loop = loop
    self.budget = budget
    pool = SocketPool(capacity: restingCapacity)
  }

  /// How many of the loop's sockets rest.
  public var restingSockets: Int { pool.restingCount }
}

// MARK: - One message

extension UDPRelay {
  /// Sends a message as one datagram and waits for the datagram that comes back.
  ///
  /// - Parameters:
  ///   - timeout: how long to wait, from the send.
  ///   - fresh: whether to use a source port that no message used before.
  /// - Throws: ``RelayError``; ``RelayError/cancelled`` as soon as the task is.
  public func exchange(
    _ message: [UInt8], with target: Target, within timeout: Nanoseconds, fresh: Bool = false
  ) async throws(RelayError) -> Reply {
    let (id, serial) = try begin(message, with: target.address, within: timeout, fresh: fresh)
    defer { budget.end() }
    let result = await withTaskCancellationHandler {
      await withUnsafeContinuation { wait(for: id, $0) }
    } onCancel: {
      cancel(serial, on: id)
    }
    return try result.get()
  }

  /// All that is done at once; apart, since what a function that waits could keep is allocated.
  @inline(never)
  private func begin(
    _ message: [UInt8], with target: SocketAddress, within timeout: Nanoseconds, fresh: Bool
  ) throws(RelayError) -> (id: SocketPool.SocketID, serial: UInt64) {
    let limit = Self.largestPayload(to: target)
    guard message.count <= limit else { throw .messageTooLarge(limit: limit) }
    guard !Task.isCancelled else { throw .cancelled }
    guard budget.begin() else { throw .overloaded(.exchanges) }
    do throws(RelayError) {
      let id = try takeSocket(for: target, fresh: fresh)
      return (id, start(message, on: id, within: timeout))
    } catch {
      budget.end()
      throw error
    }
  }

  /// The longest message that fits into one datagram to an address, in bytes.
  public static func largestPayload(to address: SocketAddress) -> Int {
    switch address.ip {
    case .v4: Limits.largestPayloadIPv4
    case .v6: Limits.largestPayloadIPv6
    }
  }

  private func start(_ message: [UInt8], on id: SocketPool.SocketID, within timeout: Nanoseconds) -> UInt64 {
    lastSerial += 1
    let now = MonotonicTime.now()
    let timer = loop.schedule(at: now + timeout, handler: self, token: id)
    sockets[id]!.exchange = PendingExchange(serial: lastSerial, message: message, timer: timer, sentAt: now)
    outbox.append((id, lastSerial))
    if !isTurnHandler {
      isTurnHandler = true
      loop.addTurnHandler(self)
    }
    return lastSerial
  }

  /// Sends what this turn's messages have put into the outbox. Sent one by one between other work, each datagram would
  /// find its receiver asleep again, and waking it is a third of what sending costs.
  func sendWaiting() {
    for (id, serial) in outbox {
      guard let exchange = sockets[id]?.exchange, exchange.serial == serial, exchange.result == nil else { continue }
      send(id)
    }
    outbox.removeAll(keepingCapacity: true)
  }

  private func send(_ id: SocketPool.SocketID) {
    let socket = sockets[id]!
    let event: Exchange.Event
    do throws(SocketError) {
      socket.exchange!.sentAt = .now()
      try socket.socket.send(socket.exchange!.message)
      event = .sent
    } catch {
      event = .sendFailed(error.errno)
    }
    handle(event, on: id)
  }

  func handle(_ event: Exchange.Event, on id: SocketPool.SocketID) {
    switch sockets[id]!.exchange!.rules.handle(event) {
    case .send: send(id)
    case .waitForRoom: watch(id, for: [.readable, .writable, .edgeTriggered])
    case .wait: break
    case .deliver: preconditionFailure("only a datagram is delivered, and arrives with its bytes")
    case .fail(let error): finish(id, .failure(error))
    }
  }

  func watch(_ id: SocketPool.SocketID, for interest: Readiness) {
    let socket = sockets[id]!
    do throws(SocketError) {
      try loop.reregister(socket.registration, socket.socket.descriptor, for: interest)
    } catch {
      preconditionFailure("\(error)")  // Changing what exists needs no memory (epoll_ctl(2)).
    }
  }

  private func wait(
    for id: SocketPool.SocketID, _ waiter: UnsafeContinuation<Result<Reply, RelayError>, Never>
  ) {
    guard let result = sockets[id]!.exchange!.result else {
      sockets[id]!.exchange!.waiter = waiter
      return
    }
    sockets[id]!.exchange = nil
    waiter.resume(returning: result)
  }

  func finish(_ id: SocketPool.SocketID, _ result: Result<Reply, RelayError>) {
    let socket = sockets[id]!
    let exchange = socket.exchange!
    loop.cancel(exchange.timer)
    switch result {
    case .success:
      switch pool.rest(id, at: loop.now) {
      case .closed(let displaced)?: close(displaced)
      case .retired?: budget.retire()
      case nil: break
      }
    case .failure: retire(id)
    }
    keepHouse()
    guard let waiter = exchange.waiter else {
      socket.exchange!.result = result
      return
    }
    socket.exchange = nil
    waiter.resume(returning: result)
  }

  func retire(_ id: SocketPool.SocketID) {
    pool.retire(id, at: loop.now)
    budget.retire()
  }

  /// From any thread, and at any time: the exchange may have ended, and its socket carry another.
  private nonisolated func cancel(_ serial: UInt64, on id: SocketPool.SocketID) {
    if loop.isCurrent {
      assumeOnLoop { $0.cancelNow(serial, on: id) }
    } else {
      loop.submit { self.assumeOnLoop { $0.cancelNow(serial, on: id) } }
    }
  }

  private func cancelNow(_ serial: UInt64, on id: SocketPool.SocketID) {
    guard let exchange = sockets[id]?.exchange, exchange.serial == serial, exchange.result == nil else { return }
    handle(.cancelled, on: id)
  }
}
