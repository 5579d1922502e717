public import Basics
public import EventLoop
public import Sockets

/// Sends messages to UDP targets and hands each its own reply, on one loop.
///
/// The rules are elsewhere and pure: ``Exchange`` says what becomes of a message, ``SocketPool`` which socket carries
/// it, ``ExchangeBudget`` how many there may be. Here they meet sockets, timers and waiting tasks.
public actor UDPRelay {
  /// The loop that everything here runs on.
  public nonisolated let loop: EventLoop
  private let budget: ExchangeBudget
  private var pool: SocketPool
  private var sockets: [RelaySocket?] = []
  private var freeIDs: [SocketPool.SocketID] = []
  private var lastSerial: UInt64 = 0
  private var housekeeping: EventLoop.TimerID?
  private let buffer = ReceiveBuffer()

  /// Datagrams that arrived when nobody waited for them: late replies and duplicates.
  public private(set) var lateReplies = 0

  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

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
    let limit = Self.largestPayload(to: target.address)
    guard message.count <= limit else { throw .messageTooLarge(limit: limit) }
    guard !Task.isCancelled else { throw .cancelled }
    guard budget.begin() else { throw .overloaded(.exchanges) }
    defer { budget.end() }
    let id = try takeSocket(for: target.address, fresh: fresh)
    let serial = start(message, on: id, within: timeout)
    let result = await withTaskCancellationHandler {
      await withUnsafeContinuation { wait(for: id, $0) }
    } onCancel: {
      cancel(serial, on: id)
    }
    return try result.get()
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
    send(id)
    return lastSerial
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

  private func handle(_ event: Exchange.Event, on id: SocketPool.SocketID) {
    switch sockets[id]!.exchange!.rules.handle(event) {
    case .send: send(id)
    case .waitForRoom: watch(id, for: [.readable, .writable, .edgeTriggered])
    case .wait: break
    case .deliver: preconditionFailure("only a datagram is delivered, and arrives with its bytes")
    case .fail(let error): finish(id, .failure(error))
    }
  }

  private func watch(_ id: SocketPool.SocketID, for interest: Readiness) {
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

  private func finish(_ id: SocketPool.SocketID, _ result: Result<Reply, RelayError>) {
    let socket = sockets[id]!
    let exchange = socket.exchange!
    loop.cancel(exchange.timer)
    switch result {
    case .success:
      if pool.rest(id, at: loop.now) != nil { budget.retire() }
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

  private func retire(_ id: SocketPool.SocketID) {
    pool.retire(id, at: loop.now)
    budget.retire()
  }

  /// From any thread, and at any time: the exchange may have ended, and its socket carry another.
  private nonisolated func cancel(_ serial: UInt64, on id: SocketPool.SocketID) {
    if loop.isCurrent {
      assumeIsolated { $0.cancelNow(serial, on: id) }
    } else {
      loop.submit { self.assumeIsolated { $0.cancelNow(serial, on: id) } }
    }
  }

  private func cancelNow(_ serial: UInt64, on id: SocketPool.SocketID) {
    guard let exchange = sockets[id]?.exchange, exchange.serial == serial, exchange.result == nil else { return }
    handle(.cancelled, on: id)
  }
}

// MARK: - Sockets

extension UDPRelay {
  /// The socket for a message: a rested one, if nothing is queued on it, else a new one.
  private func takeSocket(for target: SocketAddress, fresh: Bool) throws(RelayError) -> SocketPool.SocketID {
    while true {
      switch pool.take(for: target, fresh: fresh, at: loop.now) {
      case .none: throw .overloaded(.restedSockets)
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

  private func close(_ id: SocketPool.SocketID) {
    loop.deregister(sockets[id]!.registration)
    sockets[id] = nil
    freeIDs.append(id)
  }

  /// Reads away what is queued on a socket that waits for nothing, and counts the datagrams.
  ///
  /// - Returns: whether there was anything, errors included.
  private func readSurplus(on socket: RelaySocket) -> Bool {
    var hasRead = false
    while true {
      do throws(SocketError) {
        guard try socket.socket.receive(into: buffer) != nil else { return hasRead }
        lateReplies += 1
      } catch {
        _ = socket.socket.takeError()
      }
      hasRead = true
    }
  }

  /// Sockets are closed when their time is over; nothing waits for that, so once a second will do.
  private func keepHouse() {
    guard housekeeping == nil, pool.count > 0 else { return }
    housekeeping = loop.schedule(at: loop.now + .seconds(1), handler: self, token: Self.housekeepingToken)
  }

  private static let housekeepingToken = -1

  private func closeExpired() {
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

// MARK: - What the loop tells

extension UDPRelay: DescriptorHandler, TimerHandler {
  public nonisolated func descriptorReady(_ readiness: Readiness, token id: Int) {
    assumeIsolated { $0.ready(id, readiness) }
  }

  public nonisolated func timerFired(_ id: Int) {
    assumeIsolated { relay in
      if id == Self.housekeepingToken { relay.closeExpired() } else { relay.handle(.deadline, on: id) }
    }
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
        reported = socket.socket.takeError() ?? reported
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
      let roundTrip = Self.arrival(of: datagram) - socket.exchange!.sentAt
      let bytes = buffer.prefix(datagram.length)
      let reply = Reply(bytes: bytes, sender: datagram.sender, local: socket.local, roundTrip: roundTrip)
      finish(id, .success(reply))
    case .fail(let error): finish(id, .failure(error))
    case .send, .wait, .waitForRoom: break
    }
  }

  /// When the kernel received the datagram, on our clock: its stamp is of the wall clock, which may be set meanwhile, so
  /// only the stamp's age is taken, and never below zero.
  private static func arrival(of datagram: ReceivedDatagram) -> MonotonicTime {
    let now = MonotonicTime.now()
    guard let stamp = datagram.receivedAt else { return now }
    let age = WallTime.now() - stamp
    return age > .zero && age < .seconds(1) ? now - age : now
  }
}
