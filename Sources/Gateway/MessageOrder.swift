import Basics
import HTTPServer
import Relay

/// A message with all that its request says of it, and what waits for its reply. It belongs to its loop.
///
/// No task does: under load there is nothing as frequent, and to wait in a task costs half as much as all the rest.
final class MessageOrder: ReplyWaiter, HTTPWork {
  private let loop: GatewayLoop
  private let answer: PendingAnswer
  private let head: HTTPRequestHead
  private let label: Router.Label
  private let target: Target
  /// The target's place in the metrics.
  private let targetIndex: Int
  private let timeout: Nanoseconds
  /// The reply's bytes are wanted, too.
  private let isBinary: Bool
  private var exchange: ExchangeID?

  /// What it is made from is lent: an initialiser would else be given all of it to keep, and let most of it go.
  init(
    _ message: borrowing MessageRequest, of request: borrowing HTTPRequest, _ answer: borrowing PendingAnswer,
    on loop: borrowing GatewayLoop
  ) throws(Problem) {
    (target, targetIndex) = try loop.core.targets.target(message.target)
    timeout = message.timeoutMilliseconds.map { .milliseconds($0) } ?? loop.core.configuration.timeout
    isBinary = message.isBinary
    head = request.head
    label = loop.core.router.destinations[request.destination].label
    self.answer = copy answer
    self.loop = copy loop
  }

  /// Sends the message. What becomes of it is told to ``answer``.
  func begin(_ message: consuming [UInt8], by relay: UDPRelay, fresh: Bool) throws(RelayError) {
    exchange = try relay.begin(message, with: target, within: timeout, fresh: fresh, for: self)
  }

  func cancel() {
    if let exchange { loop.relay.cancel(exchange) }
  }

  func exchangeEnded(by payload: Span<UInt8>, _ passage: ReplyPassage, to message: [UInt8]) {
    let response = response(payload, passage, to: message)
    let request = LoopMetrics.RequestKey(route: label, method: Self.post, status: response.status)
    loop.metrics.count(replyOf: targetIndex, roundTrip: passage.roundTrip, to: request)
    answer.give(response)
  }

  /// How a message's request is counted: its route has no other method.
  private static let post = GatewayLoop.countedMethods.firstIndex(of: .post)

  func exchangeFailed(_ error: RelayError) {
    answer.give(loop.counted(problem(error), head, label, isHeard: error != .cancelled))
  }

  /// What the client is told of a failure, which is counted.
  func problem(_ error: RelayError) -> Problem {
    loop.metrics.count(ExchangeOutcome(error), target: targetIndex, roundTrip: nil)
    loop.core.log.write(error, to: target)
    return Problem(error, target: target, timeoutMilliseconds: Int(timeout.count / 1_000_000))
  }
}

// MARK: - The answer

extension MessageOrder {
  private func response(_ payload: Span<UInt8>, _ passage: ReplyPassage, to message: [UInt8]) -> HTTPResponse {
    var response: HTTPResponse
    switch ReplyForm(accept: head.fields["Accept"]) {
    case .json: response = .api(json(payload, passage, to: message))
    case .raw(let type):
      let isText = type == "text/plain" && String(utf8: payload) != nil
      response = .api(type: isText ? "text/plain; charset=utf-8" : type, Array(payload))
      response.fields.append("Yodel-Sender", passage.sender.description)
    }
    response.fields.append("Server-Timing", Self.serverTiming(passage.roundTrip))
    return response
  }

  /// The round trip as a browser shows it (Server Timing). Put together as bytes it is mostly short enough for a text
  /// that needs no memory.
  private static func serverTiming(_ roundTrip: Nanoseconds) -> String {
    let metric: StaticString = "udp;dur="
    let length = metric.utf8CodeUnitCount
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: length + Nanoseconds.longestMilliseconds) { text in
      let start = text.baseAddress!
      start.update(from: metric.utf8Start, count: length)
      let count = length + roundTrip.writeMilliseconds(to: start + length)
      return String(unsafeUninitializedCapacity: count) { room in
        room.baseAddress!.update(from: start, count: count)
        return count
      }
    }
  }

  private func json(_ payload: Span<UInt8>, _ passage: ReplyPassage, to message: [UInt8]) -> [UInt8] {
    JSONWriter.text { json in
      let isText = json.member("reply", utf8: payload)
      if !isText || isBinary { json.member("reply_base64", base64(Array(payload))) }
      json.address("sender", passage.sender)
      json.address("local", passage.local)
      json.member("target", target.label)
      json.member("bytes", payload.count)
      json.member("match", payload.isSame(as: message.span))
      json.member("rtt_ms", milliseconds: passage.roundTrip)
    }
  }
}
