import Basics
import HTTPServer
import Relay

extension GatewayLoop {
  /// `POST /api/messages`: one message out, its reply back.
  func sendMessage(_ request: HTTPRequest) async throws(Problem) -> HTTPResponse {
    let message = try MessageRequest(request)
    let (target, index) = try core.targets.target(message.target)
    let timeout = message.timeoutMilliseconds.map { Nanoseconds.milliseconds($0) } ?? core.configuration.timeout
    do throws(RelayError) {
      let reply = try await relay.exchange(
        message.datagram, with: target, within: timeout, fresh: message.fresh ?? false)
      metrics.count(.reply, target: index, roundTrip: reply.roundTrip)
      return Self.answer(reply, to: message, target: target, request)
    } catch {
      metrics.count(ExchangeOutcome(error), target: index, roundTrip: nil)
      throw Self.problem(error, target, timeout)
    }
  }

  @inline(never)
  private static func problem(_ error: RelayError, _ target: Target, _ timeout: Nanoseconds) -> Problem {
    Problem(error, target: target, timeoutMilliseconds: Int(timeout.count / 1_000_000))
  }

  @inline(never)
  private static func answer(
    _ reply: Reply, to message: MessageRequest, target: Target, _ request: HTTPRequest
  ) -> HTTPResponse {
    var response: HTTPResponse
    switch ReplyForm(accept: request.head.fields["Accept"]) {
    case .json: response = .api(json(reply, to: message, target: target))
    case .raw(let type):
      let isText = type == "text/plain" && String(validating: reply.bytes, as: UTF8.self) != nil
      response = .api(type: isText ? "text/plain; charset=utf-8" : type, reply.bytes)
      response.fields.append("Yodel-Sender", reply.sender.description)
    }
    response.fields.append("Server-Timing", "udp;dur=" + reply.roundTrip.milliseconds)
    return response
  }

  private static func json(_ reply: Reply, to message: MessageRequest, target: Target) -> [UInt8] {
    let text = String(validating: reply.bytes, as: UTF8.self)
    return JSONWriter.text { json in
      json.member("reply", text)
      if text == nil || message.isBinary { json.member("reply_base64", base64(reply.bytes)) }
      json.address("sender", reply.sender)
      json.address("local", reply.local)
      json.member("target", target.label)
      json.member("bytes", reply.bytes.count)
      json.member("match", reply.bytes == message.datagram)
      json.member("rtt_ms", milliseconds: reply.roundTrip)
    }
  }
}
