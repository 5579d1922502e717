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
  private let message: MessageRequest
  private let target: Target
  /// The target's place in the metrics.
  private let targetIndex: Int
  private let timeout: Nanoseconds
  private var exchange: ExchangeID?

  init(_ request: HTTPRequest, _ answer: PendingAnswer, on loop: GatewayLoop) throws(Problem) {
    let message = try MessageRequest(request)
    (target, targetIndex) = try loop.core.targets.target(message.target)
    self.message = message
    timeout = message.timeoutMilliseconds.map { .milliseconds($0) } ?? loop.core.configuration.timeout
    head = request.head
    label = loop.core.router.destinations[request.destination].label
    self.answer = answer
    self.loop = loop
  }

  /// Sends the message. What becomes of it is told to ``answer``.
  func begin() throws(RelayError) {
    exchange = try loop.relay.begin(
      message.datagram, with: target, within: timeout, fresh: message.fresh ?? false, for: self)
  }

  func cancel() {
    if let exchange { loop.relay.cancel(exchange) }
  }

  func exchangeEnded(_ result: Result<Reply, RelayError>) {
    switch result {
    case .success(let reply):
      loop.metrics.count(.reply, target: targetIndex, roundTrip: reply.roundTrip)
      answer.give(loop.counted(response(reply), head, label))
    case .failure(let error):
      answer.give(loop.counted(problem(error), head, label, isHeard: error != .cancelled))
    }
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
  private func response(_ reply: Reply) -> HTTPResponse {
    let milliseconds = reply.roundTrip.milliseconds
    var response: HTTPResponse
    switch ReplyForm(accept: head.fields["Accept"]) {
    case .json: response = .api(json(reply, milliseconds))
    case .raw(let type):
      let isText = type == "text/plain" && String(utf8: reply.bytes) != nil
      response = .api(type: isText ? "text/plain; charset=utf-8" : type, reply.bytes)
      response.fields.append("Yodel-Sender", reply.sender.description)
    }
    response.fields.append("Server-Timing", "udp;dur=" + milliseconds)
    return response
  }

  private func json(_ reply: Reply, _ milliseconds: String) -> [UInt8] {
    JSONWriter.text { json in
      let isText = json.member("reply", utf8: reply.bytes.span)
      if !isText || message.isBinary { json.member("reply_base64", base64(reply.bytes)) }
      json.address("sender", reply.sender)
      json.address("local", reply.local)
      json.member("target", target.label)
      json.member("bytes", reply.bytes.count)
      json.member("match", reply.bytes == message.datagram)
      json.member("rtt_ms", number: milliseconds)
    }
  }
}
