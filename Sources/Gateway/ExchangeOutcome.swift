import Relay

/// How an exchange ended, as the metrics name it: a reply, the client's going away, or a problem.
enum ExchangeOutcome: Hashable {
  case reply
  case cancelled
  case problem(Problem.Kind)

  /// What a failure of the relay is counted as.
  init(_ error: RelayError) {
    switch error {
    case .noReply: self = .problem(.noReply)
    case .portUnreachable: self = .problem(.portUnreachable)
    case .targetUnreachable: self = .problem(.targetUnreachable)
    case .messageTooLarge: self = .problem(.messageTooLarge)
    case .overloaded: self = .problem(.overloaded)
    case .cancelled: self = .cancelled
    }
  }

  /// Every way in which an exchange ends.
  static let allCases: [ExchangeOutcome] =
    [.reply, .cancelled]
    + [.noReply, .portUnreachable, .targetUnreachable, .messageTooLarge, .overloaded].map { .problem($0) }

  var label: String {
    switch self {
    case .reply: "reply"
    case .cancelled: "cancelled"
    case .problem(let kind): kind.rawValue
    }
  }
}
