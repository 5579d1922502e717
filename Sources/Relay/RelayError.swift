public import Sockets
public import SystemPackage

/// Why a message has no reply.
public enum RelayError: Error, Hashable, Sendable {
  /// The timeout passed.
  case noReply
  /// Nothing listens on the target's port: ICMP said so.
  case portUnreachable(ReportedError.ICMP?)
  /// The target cannot be reached, or the kernel refused to send to it.
  case targetUnreachable(Errno, ReportedError.ICMP?)
  /// The message does not fit into one datagram to this target; it was not sent.
  case messageTooLarge(limit: Int)
  /// A bound is reached; the message was not sent.
  case overloaded(Bound)
  /// Whoever waited for the reply has gone.
  case cancelled

  /// What there was not enough of.
  public enum Bound: Hashable, Sendable {
    /// Exchanges in flight, with the sockets held for late replies past their own bound.
    case exchanges
    /// Sockets that have rested long enough, for a target that is known to send more than one reply.
    case restedSockets
    /// Sockets, since too many are held for what this target may still send.
    case retiredSockets
    /// The process's or the machine's descriptors.
    case descriptors
    /// Series at once.
    case series
    /// Local ports.
    case ports
    /// The kernel's memory for buffers.
    case buffers
  }
}

extension RelayError {
  /// What a socket that could not be made or connected means to the message that wanted it.
  package init(opening error: SocketError) {
    switch error.errno {
    case .tooManyOpenFiles, .tooManyOpenFilesInSystem: self = .overloaded(.descriptors)
    case .resourceTemporarilyUnavailable, .addressNotAvailable: self = .overloaded(.ports)
    case .noBufferSpace, .noMemory, .noSpace: self = .overloaded(.buffers)
    default: self = .targetUnreachable(error.errno, nil)
    }
  }

  /// What an error that ICMP or the kernel reported means; nil where it says nothing of the message's fate, as a
  /// path's smaller MTU does.
  init?(reported error: ReportedError) {
    switch error.errno {
    case .connectionRefused: self = .portUnreachable(error.icmp)
    case .messageTooLong: return nil
    default: self = .targetUnreachable(error.errno, error.icmp)
    }
  }
}
