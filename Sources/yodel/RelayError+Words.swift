import Basics
import Relay

extension RelayError {
  /// Why a message has no reply, for whoever sent it from the command line.
  func words(_ target: Target, timeout: Nanoseconds) -> String {
    switch self {
    case .noReply: "no reply from \(target.label) within \(timeout.seconds) s"
    case .portUnreachable: "nothing listens on \(target.label)"
    case .targetUnreachable(let errno, _): "\(target.label) cannot be reached: \(errno)"
    case .messageTooLarge(let limit): "the message does not fit into a datagram: at most \(limit) bytes"
    case .overloaded(let bound): "the message could not be sent, for lack of \(bound)"
    case .cancelled: "cancelled"
    }
  }
}
