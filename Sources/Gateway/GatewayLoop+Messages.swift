import Basics
import HTTPServer
import Relay

extension GatewayLoop {
  /// `POST /api/messages`: one message out, its reply back.
  func sendMessage(_ request: HTTPRequest) async throws(Problem) -> HTTPResponse {
    let order = try order(request)
    do throws(RelayError) {
      let reply = try await relay.exchange(
        order.message.datagram, with: order.target, within: order.timeout, fresh: order.message.fresh ?? false)
      return answer(reply, to: order)
    } catch {
      throw problem(error, with: order)
    }
  }

  /// That there is no room is said before what is wrong with the message.
  @inline(never)
  private func order(_ request: HTTPRequest) throws(Problem) -> MessageOrder {
    do throws(Problem) {
      return try MessageOrder(request, core)
    } catch {
      throw noRoom ?? error
    }
  }

  /// That no exchange can begin; nil where one can.
  var noRoom: Problem? {
    core.budget.isExhausted
      ? Problem(.overloaded, Problem.words(.exchanges) + "; try again in a moment") : nil
  }

  @inline(never)
  private func problem(_ error: RelayError, with order: MessageOrder) -> Problem {
    metrics.count(ExchangeOutcome(error), target: order.targetIndex, roundTrip: nil)
    core.log.write(error, to: order.target)
    return Problem(error, target: order.target, timeoutMilliseconds: Int(order.timeout.count / 1_000_000))
  }

  @inline(never)
  private func answer(_ reply: Reply, to order: MessageOrder) -> HTTPResponse {
    metrics.count(.reply, target: order.targetIndex, roundTrip: reply.roundTrip)
    let milliseconds = reply.roundTrip.milliseconds
    var response: HTTPResponse
    switch ReplyForm(accept: order.accept) {
    case .json: response = .api(Self.json(reply, to: order, milliseconds))
    case .raw(let type):
      let isText = type == "text/plain" && String(utf8: reply.bytes) != nil
      response = .api(type: isText ? "text/plain; charset=utf-8" : type, reply.bytes)
      response.fields.append("Yodel-Sender", reply.sender.description)
    }
    response.fields.append("Server-Timing", "udp;dur=" + milliseconds)
    return response
  }

  private static func json(_ reply: Reply, to order: MessageOrder, _ milliseconds: String) -> [UInt8] {
    let text = String(utf8: reply.bytes)
    return JSONWriter.text { json in
      json.member("reply", text)
      if text == nil || order.message.isBinary { json.member("reply_base64", base64(reply.bytes)) }
      json.address("sender", reply.sender)
      json.address("local", reply.local)
      json.member("target", order.target.label)
      json.member("bytes", reply.bytes.count)
      json.member("match", reply.bytes == order.message.datagram)
      json.member("rtt_ms", number: milliseconds)
    }
  }
}

/// A message with all that its request says of it, kept as one while the reply is waited for.
private final class MessageOrder: Sendable {
  let message: MessageRequest
  let target: Target
  /// The target's place in the metrics.
  let targetIndex: Int
  let timeout: Nanoseconds
  let accept: String?

  @inline(never)
  init(_ request: HTTPRequest, _ core: GatewayCore) throws(Problem) {
    message = try MessageRequest(request)
    (target, targetIndex) = try core.targets.target(message.target)
    timeout = message.timeoutMilliseconds.map { .milliseconds($0) } ?? core.configuration.timeout
    accept = request.head.fields["Accept"]
  }
}
