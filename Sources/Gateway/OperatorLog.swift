import Basics
import EventLoop
import HTTPServer
import Logging
import Relay

/// The gateway's log. What a client can cause thousands of times a second takes a line a second and kind; the others
/// are counted, and told with the next one or, where none comes, a second later.
///
/// It belongs to all loops: a line a second and loop would be many.
final class OperatorLog: Sendable {
  /// Lines that share a bound, with what they say.
  enum Kind: String, CaseIterable {
    case cannotAccept = "no connection can be accepted"
    case cannotWatch = "a connection cannot be watched"
    case overLimit = "more connections than are served"
    case closedUnheard = "connections are closed unheard"
    case handshakeFailed = "a TLS handshake failed"
    case library = "libmicrohttpd"
    case refusedMessage = "a message is refused for lack of something"
    case internalError = "a request ran into an error of the gateway's own"

    var level: Logger.Level {
      switch self {
      case .internalError: .error
      // What every port scanner causes, and a client that was not told whom to trust.
      case .handshakeFailed: .info
      default: .warning
      }
    }
  }

  private struct State {
    var limiters: [Kind: LineLimiter] = [:]
    /// A timer is set, or about to be.
    var isScheduled = false
  }

  private let logger: Logger
  /// Where the timer is.
  private let loop: EventLoop
  private let state = Locked(State())

  init(_ logger: Logger, on loop: EventLoop) {
    self.logger = logger
    self.loop = loop
  }

  /// Writes what happens a few times in a gateway's life.
  func note(_ message: Logger.Message, _ metadata: Logger.Metadata = [:]) {
    logger.info(message, metadata: metadata)
  }

  /// Writes what the operator should do something about.
  func complain(_ message: Logger.Message, _ metadata: Logger.Metadata) {
    logger.warning(message, metadata: metadata)
  }

  /// Writes what can happen often, or counts it. From any thread.
  func warn(_ kind: Kind, _ metadata: @autoclosure () -> Logger.Metadata) {
    let now = MonotonicTime.now()
    let suppressed = state.withLock { $0.limiters[kind, default: LineLimiter()].admit(at: now) }
    guard let suppressed else { return scheduleTelling() }
    write(kind, metadata(), suppressed)
  }

  /// Tells what has not been told, for the end of the gateway.
  func finish() {
    tell { limiter in limiter.tellsAt.flatMap { limiter.tell(at: $0) } }
  }

  private func write(_ kind: Kind, _ metadata: Logger.Metadata, _ suppressed: Int) {
    var metadata = metadata
    if suppressed > 0 { metadata["suppressed"] = "\(suppressed)" }
    logger.log(level: kind.level, "\(kind.rawValue)", metadata: metadata)
  }

  private func tell(_ take: (inout LineLimiter) -> Int?) {
    let counts = state.withLock { state in
      Kind.allCases.compactMap { kind in
        state.limiters[kind].flatMap { _ in take(&state.limiters[kind]!) }.map { (kind, $0) }
      }
    }
    for (kind, count) in counts { write(kind, [:], count) }
  }
}

extension OperatorLog: TimerHandler {
  private func scheduleTelling() {
    let mustSchedule = state.withLock { state in
      defer { state.isScheduled = true }
      return !state.isScheduled
    }
    if mustSchedule { loop.submit { self.schedule() } }
  }

  private func schedule() {
    let next = state.withLock { state in
      let next = state.limiters.values.compactMap(\.tellsAt).min()
      state.isScheduled = next != nil
      return next
    }
    if let next { _ = loop.schedule(at: next, handler: self) }
  }

  func timerFired(_ token: Int) {
    let now = MonotonicTime.now()
    tell { $0.tell(at: now) }
    schedule()
  }
}

// MARK: - What is said

extension OperatorLog {
  /// What the server in front tells.
  func write(_ event: HTTPServerEvent) {
    switch event {
    case .cannotAccept(let error): warn(.cannotAccept, ["error": "\(error)"])
    case .cannotWatch(let error): warn(.cannotWatch, ["error": "\(error)"])
    case .overLimit(let refusal): warn(.overLimit, ["answer": "\(Problem(refusal).detail)"])
    case .closedUnheard: warn(.closedUnheard, ["answer": "none"])
    case .handshakeFailed: warn(.handshakeFailed, [:])
    case .library(let line): warn(.library, ["said": "\(line)"])
    }
  }

  /// A message that is not sent because the gateway has not what it takes.
  func write(_ error: RelayError, to target: Target) {
    guard case .overloaded(let bound) = error else { return }
    warn(.refusedMessage, ["lacking": "\(bound)", "target": "\(target.label)"])
  }

  /// A 500 that somebody hears, with what is needed to find out why.
  ///
  /// - Parameter isHeard: whether the client waits for the answer.
  func write(_ problem: Problem, for head: HTTPRequestHead, isHeard: Bool = true) {
    guard problem.kind == .internalError, isHeard else { return }
    let request = "\(head.method.rawValue) \(head.path)"
    warn(.internalError, ["request": "\(request)", "detail": "\(problem.detail)", "peer": "\(head.peer)"])
  }
}
