import Sockets
public import SystemPackage

/// The life of one message, from the send to its one end, as a value without a socket or a clock: it is told what
/// happened and says what to do.
public struct Exchange: Sendable {
  /// What happened.
  public enum Event: Hashable, Sendable {
    /// The kernel took the datagram.
    case sent
    /// The kernel refused the datagram.
    case sendFailed(Errno)
    /// The socket has room again.
    case writable
    /// A datagram arrived from the target.
    case datagram(isTruncated: Bool)
    /// ICMP or the kernel reported an error.
    case reported(ReportedError)
    /// The timeout passed.
    case deadline
    /// Nobody waits for the reply any more.
    case cancelled
  }

  /// What to do about it.
  public enum Action: Hashable, Sendable {
    /// Send the datagram (again).
    case send
    /// Wait until the socket has room.
    case waitForRoom
    /// Wait for the reply.
    case wait
    /// The datagram is the reply: hand it over, and let the socket rest.
    case deliver
    /// There will be no reply: say why, and retire the socket, whose port may still hear one.
    case fail(RelayError)
  }

  private var hasRetried = false
  private var isOver = false

  /// A message that is about to be sent.
  public init() {}

  /// The exchange met `event`.
  ///
  /// - Precondition: it has not ended: ``Action/deliver`` and ``Action/fail(_:)`` are the end.
  public mutating func handle(_ event: Event) -> Action {
    precondition(!isOver, "an exchange that has ended met \(event)")
    let action = action(for: event)
    switch action {
    case .deliver, .fail: isOver = true
    case .send, .waitForRoom, .wait: break
    }
    return action
  }

  private mutating func action(for event: Event) -> Action {
    switch event {
    case .sent: .wait
    case .sendFailed(let errno): afterSendFailed(errno)
    case .writable: .send
    case .datagram(isTruncated: false): .deliver
    // Buffers hold the longest datagram there is, so what was cut is no UDP that we know.
    case .datagram(isTruncated: true): .fail(.targetUnreachable(.messageTooLong, nil))
    case .reported(let error): RelayError(reported: error).map { .fail($0) } ?? .wait
    case .deadline: .fail(.noReply)
    case .cancelled: .fail(.cancelled)
    }
  }

  private mutating func afterSendFailed(_ errno: Errno) -> Action {
    switch errno {
    case .resourceTemporarilyUnavailable: return .waitForRoom
    case .noBufferSpace, .noMemory:
      // A full device queue is usually a moment's matter: once more, then the truth.
      if hasRetried { return .fail(.overloaded(.buffers)) }
      hasRetried = true
      return .send
    case .connectionRefused: return .fail(.portUnreachable(nil))
    default: return .fail(.targetUnreachable(errno, nil))
    }
  }
}
