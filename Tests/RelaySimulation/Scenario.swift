import Basics
import EventLoop
import SystemPackage

/// What happens to a relay, from first to last, as a value: replayed, it gives the same run on every machine.
///
/// Its text form is described in Tests/RelayTests/Scenarios/README.md.
package struct Scenario: Sendable {
  /// How many sockets may rest.
  package var pool = 64
  /// How many exchanges may be in flight.
  package var budget = 64
  /// How many local ports the simulated kernel has; the one that was closed last is handed out first.
  package var ports = 1000
  /// How many datagrams a socket's buffer holds.
  package var queue = 64
  /// How many sockets a turn of the loop tells of.
  package var events = 256
  /// In the order of their times.
  package var steps: [Step] = []
  package var expectations: [Expectation] = []
  /// By the numbers that stand for them in steps; others have names made of their numbers.
  package var names: [String] = []
  package var targets: [String] = []

  package init() {}

  /// How many exchanges are spoken of.
  var exchangeCount: Int {
    steps.reduce(names.count) { max($0, ($1.action.exchange ?? -1) + 1) }
  }
}

extension Scenario {
  /// Something that happens at a time, which counts from the begin.
  package struct Step: Hashable, Sendable {
    package var time: Nanoseconds
    package var action: Action

    package init(_ time: Nanoseconds, _ action: Action) {
      self.time = time
      self.action = action
    }
  }

  package enum Action: Hashable, Sendable {
    // What the loop is asked for.
    case send(Int, Sending)
    case cancel(Int)
    /// The loop is busy with something else, between its messages' begin and their sending.
    case stall(Nanoseconds)
    case check([Counter: Int])

    // What the network does. An exchange stands for the port that its message came from.
    case reply(Int, Form)
    /// A third party sends to the exchange's port.
    case stranger(Int)
    /// A third party sends to the port of the next socket that is opened, before that has a peer.
    case early
    /// An error about the exchange's message comes by ICMP.
    case icmp(Int, Errno)

    // What the kernel does.
    case fail(Call, Errno)
    /// The next such call takes long.
    case slow(Call, Nanoseconds)
    /// The exchange's socket has room again.
    case room(Int)
    /// The exchange's socket is told of for no reason.
    case wake(Int)
    /// The wall clock is set, forward or back.
    case clock(Nanoseconds)

    /// The exchange that it is about.
    var exchange: Int? {
      switch self {
      case .send(let exchange, _), .cancel(let exchange), .reply(let exchange, _), .stranger(let exchange),
        .icmp(let exchange, _), .room(let exchange), .wake(let exchange):
        exchange
      case .stall, .check, .early, .fail, .slow, .clock: nil
      }
    }

    var isLoops: Bool {
      switch self {
      case .send, .cancel, .stall, .check: true
      default: false
      }
    }
  }

  package struct Sending: Hashable, Sendable {
    package var target: Int
    package var timeout: Nanoseconds
    package var fresh = false
    /// The task is cancelled before it waits.
    package var isCancelledAtOnce = false

    package init(to target: Int = 0, timeout: Nanoseconds = .seconds(1)) {
      self.target = target
      self.timeout = timeout
    }
  }

  package enum Form: String, Sendable {
    case whole, cut, empty
  }

  package enum Call: String, CaseIterable, Sendable {
    case open, send, receive, idle, watch
  }

  /// What can be counted at any time.
  package enum Counter: String, CaseIterable, Sendable {
    case late, resting, retired, open
    case inFlight = "in-flight"
  }

  /// What must be so in the end.
  package enum Expectation: Hashable, Sendable {
    /// How the exchange ended, and when, to the millisecond.
    case end(Int, End, at: Nanoseconds?)
    /// Both had the same port, or each its own.
    case port(Int, sameAs: Int, Bool)
    /// So many replies were taken for another message's, each beyond what the rules promise.
    case beyond(Int)
  }

  package enum End: Hashable, Sendable {
    case reply
    /// The error's name.
    case error(String)
  }
}

extension Nanoseconds {
  static func + (one: Nanoseconds, other: Nanoseconds) -> Nanoseconds {
    Nanoseconds(one.count + other.count)
  }
}
