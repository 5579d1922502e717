public import Basics
public import EventLoop
import Sockets

/// Sends messages to UDP targets and hands each its own reply, on one loop.
///
/// How is `RelayEngine`'s business. Here it gets the kernel's sockets and the loop's time, and tasks that wait.
public actor UDPRelay: LoopActor {
  /// The loop that everything here runs on.
  public nonisolated let loop: EventLoop
  /// Used on the loop's thread alone, which every use asserts: to enter the actor from what the loop calls, and from a
  /// task on the loop, takes allocations and switches for nothing.
  private nonisolated(unsafe) var engine: RelayEngine<LoopNetwork>

  /// A relay on `loop`.
  ///
  /// - Parameters:
  ///   - budget: shared by the relays of all loops.
  ///   - restingCapacity: how many of this loop's sockets may rest.
  ///   - ports: told of every port that messages are sent from.
  public init(on loop: EventLoop, budget: ExchangeBudget, restingCapacity: Int, ports: RelayPorts = RelayPorts()) {
    self.loop = loop
    let network = LoopNetwork(on: loop, ports: ports)
    engine = RelayEngine(on: network, budget: budget, pool: SocketPool(capacity: restingCapacity))
  }

  /// Datagrams that arrived when nobody waited for them: late replies and duplicates.
  public var lateReplies: Int { engine.lateReplies }

  /// How many of the loop's sockets rest.
  public var restingSockets: Int { engine.pool.restingCount }
}

// MARK: - One message

extension UDPRelay {
  /// Sends a message as one datagram and waits for the datagram that comes back.
  ///
  /// - Parameters:
  ///   - timeout: how long to wait, from the send.
  ///   - fresh: whether to use a source port that no message used before.
  /// - Throws: ``RelayError``; ``RelayError/cancelled`` as soon as the task is.
  public nonisolated func exchange(
    _ message: [UInt8], with target: Target, within timeout: Nanoseconds, fresh: Bool = false
  ) async throws(RelayError) -> Reply {
    if loop.isCurrent { return try await exchangeHere(message, with: target, within: timeout, fresh: fresh) }
    // The loop is where all of it goes on then, between its waits too.
    return try await withTaskExecutorPreference(loop) { () throws(RelayError) in
      try await exchangeHere(message, with: target, within: timeout, fresh: fresh)
    }
  }

  private nonisolated func exchangeHere(
    _ message: [UInt8], with target: Target, within timeout: Nanoseconds, fresh: Bool
  ) async throws(RelayError) -> Reply {
    guard !Task.isCancelled else { throw .cancelled }
    let task = WaitingTask()
    let exchange = try begin(message, with: target, within: timeout, fresh: fresh, for: task)
    let result = await withTaskCancellationHandler {
      await withUnsafeContinuation { task.wait($0) }
    } onCancel: {
      cancel(exchange)
    }
    return try result.get()
  }

  /// The same without a task, for who has very many messages: a task costs half as much as all else that is done for
  /// one. On the loop.
  ///
  /// - Parameter waiter: told of the reply, or of why there is none; not before this has returned.
  /// - Throws: why nothing is sent; then nothing is told.
  package nonisolated func begin(
    _ message: consuming [UInt8], with target: Target, within timeout: Nanoseconds, fresh: Bool,
    for waiter: any ReplyWaiter
  ) throws(RelayError) -> ExchangeID {
    loop.assertCurrent()
    if !engine.network.hasRelay { engine.network.begin(with: self) }
    return try engine.begin(message, with: target.address, within: timeout, fresh: fresh, for: waiter)
  }

  /// Nobody wants the reply any more: the exchange ends by ``RelayError/cancelled``, if it has not ended. From any
  /// thread, and at any time.
  package nonisolated func cancel(_ exchange: ExchangeID) {
    if loop.isCurrent {
      engine.cancel(exchange)
    } else {
      loop.submit { self.engine.cancel(exchange) }
    }
  }
}

/// A task that waits for an exchange, which may have ended before it does.
private final class WaitingTask: ReplyWaiter {
  private var continuation: UnsafeContinuation<Result<Reply, RelayError>, Never>?
  private var result: Result<Reply, RelayError>?

  func wait(_ continuation: UnsafeContinuation<Result<Reply, RelayError>, Never>) {
    if let result { continuation.resume(returning: result) } else { self.continuation = continuation }
  }

  func exchangeEnded(by payload: Span<UInt8>, _ passage: ReplyPassage, to message: [UInt8]) {
    end(.success(Reply(payload, passage)))
  }

  func exchangeFailed(_ error: RelayError) {
    end(.failure(error))
  }

  private func end(_ result: Result<Reply, RelayError>) {
    if let continuation { continuation.resume(returning: result) } else { self.result = result }
  }
}

// MARK: - What the loop tells

extension UDPRelay: DescriptorHandler, TimerHandler, TurnHandler {
  public nonisolated func descriptorReady(_ readiness: Readiness, token: Int) {
    loop.assertCurrent()
    engine.ready(token, readiness)
  }

  public nonisolated func timerFired(_ token: Int) {
    loop.assertCurrent()
    engine.timerFired(token)
  }

  public nonisolated func turnEnds() -> MonotonicTime? {
    loop.assertCurrent()
    // Whose waiter was told may have something to do, and its turn may have ended before this.
    return engine.sendWaiting() ? loop.now : nil
  }
}
