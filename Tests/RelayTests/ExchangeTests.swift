@testable import Relay
@testable import Sockets
import SystemPackage
import Testing

@Suite struct ExchangeTests {
  /// The states that an exchange can be in while it lasts, and how it gets there.
  enum State: CaseIterable {
    case new, sent, waitingForRoom, retrying, sentAfterRetry

    var exchange: Exchange {
      var exchange = Exchange()
      for event in events { _ = exchange.handle(event) }
      return exchange
    }

    private var events: [Exchange.Event] {
      switch self {
      case .new: []
      case .sent: [.sent]
      case .waitingForRoom: [.sendFailed(.resourceTemporarilyUnavailable)]
      case .retrying: [.sendFailed(.noBufferSpace)]
      case .sentAfterRetry: [.sendFailed(.noBufferSpace), .sent]
      }
    }

    var hasRetried: Bool { self == .retrying || self == .sentAfterRetry }
  }

  static let icmp = ReportedError.ICMP(version: 4, type: 3, code: 3)

  static func reported(_ errno: Errno, _ icmp: ReportedError.ICMP? = nil) -> ReportedError {
    var error = ReportedError(errno: errno)
    error.icmp = icmp
    return error
  }

  /// Every event and what it leads to, whatever the state; what depends on the state has its own tests.
  static let everywhere: [(Exchange.Event, Exchange.Action)] = [
    (.sent, .wait),
    (.writable, .send),
    (.datagram(isTruncated: false), .deliver),
    (.datagram(isTruncated: true), .fail(.targetUnreachable(.messageTooLong, nil))),
    (.deadline, .fail(.noReply)),
    (.cancelled, .fail(.cancelled)),
    (.sendFailed(.resourceTemporarilyUnavailable), .waitForRoom),
    (.sendFailed(.connectionRefused), .fail(.portUnreachable(nil))),
    (.sendFailed(.networkUnreachable), .fail(.targetUnreachable(.networkUnreachable, nil))),
    (.sendFailed(.notPermitted), .fail(.targetUnreachable(.notPermitted, nil))),
    (.sendFailed(.messageTooLong), .fail(.targetUnreachable(.messageTooLong, nil))),
    (.reported(reported(.connectionRefused, icmp)), .fail(.portUnreachable(icmp))),
    (.reported(reported(.connectionRefused)), .fail(.portUnreachable(nil))),
    (.reported(reported(.noRouteToHost, icmp)), .fail(.targetUnreachable(.noRouteToHost, icmp))),
    (.reported(reported(.networkUnreachable)), .fail(.targetUnreachable(.networkUnreachable, nil))),
    // A path with a smaller MTU: the kernel sends smaller fragments next time; the reply may still come.
    (.reported(reported(.messageTooLong, icmp)), .wait),
  ]

  @Test(arguments: State.allCases) func everyEventLeadsToItsActionInEveryState(_ state: State) {
    for (event, action) in Self.everywhere {
      var exchange = state.exchange
      #expect(exchange.handle(event) == action, "\(event) in \(state)")
    }
  }

  @Test(arguments: State.allCases) func aFullDeviceQueueIsTriedOnceMore(_ state: State) {
    var exchange = state.exchange
    let expected: Exchange.Action = state.hasRetried ? .fail(.overloaded(.buffers)) : .send
    #expect(exchange.handle(.sendFailed(.noBufferSpace)) == expected)
  }

  @Test func aFullDeviceQueueIsTriedOnceMoreOnlyEvenWhereRoomWasAwaitedBetween() {
    var exchange = Exchange()
    #expect(exchange.handle(.sendFailed(.noBufferSpace)) == .send)
    #expect(exchange.handle(.sendFailed(.resourceTemporarilyUnavailable)) == .waitForRoom)
    #expect(exchange.handle(.writable) == .send)
    #expect(exchange.handle(.sendFailed(.noBufferSpace)) == .fail(.overloaded(.buffers)))
  }

  @Test func roomMayBeAwaitedAgainAndAgain() {
    var exchange = Exchange()
    for _ in 0..<1000 {
      #expect(exchange.handle(.sendFailed(.resourceTemporarilyUnavailable)) == .waitForRoom)
      #expect(exchange.handle(.writable) == .send)
    }
    #expect(exchange.handle(.sent) == .wait)
    #expect(exchange.handle(.datagram(isTruncated: false)) == .deliver)
  }

  @Test func aSmallerPathMTUDoesNotEndTheExchange() {
    var exchange = State.sent.exchange
    for _ in 0..<3 { #expect(exchange.handle(.reported(Self.reported(.messageTooLong))) == .wait) }
    #expect(exchange.handle(.datagram(isTruncated: false)) == .deliver)
  }

  @Test func nothingHappensToAnExchangeThatWasDelivered() async {
    await #expect(processExitsWith: .failure) {
      var exchange = Exchange()
      _ = exchange.handle(.datagram(isTruncated: false))
      _ = exchange.handle(.datagram(isTruncated: false))
    }
  }

  @Test func nothingHappensToAnExchangeThatFailed() async {
    await #expect(processExitsWith: .failure) {
      var exchange = Exchange()
      _ = exchange.handle(.deadline)
      _ = exchange.handle(.cancelled)
    }
  }
}

@Suite struct RelayErrorTests {
  static let openings: [(Errno, RelayError)] = [
    (.tooManyOpenFiles, .overloaded(.descriptors)),
    (.tooManyOpenFilesInSystem, .overloaded(.descriptors)),
    // Out of ephemeral ports, connect(2) says EAGAIN, bind(2) EADDRNOTAVAIL.
    (.resourceTemporarilyUnavailable, .overloaded(.ports)),
    (.addressNotAvailable, .overloaded(.ports)),
    (.noBufferSpace, .overloaded(.buffers)),
    (.noMemory, .overloaded(.buffers)),
    (.noSpace, .overloaded(.buffers)),
    (.networkUnreachable, .targetUnreachable(.networkUnreachable, nil)),
    (.permissionDenied, .targetUnreachable(.permissionDenied, nil)),
  ]

  @Test func aSocketThatCannotBeHadIsABoundOrAnUnreachableTarget() {
    for (errno, expected) in Self.openings {
      #expect(RelayError(opening: SocketError(.connect, errno)) == expected, "\(errno)")
    }
  }
}
