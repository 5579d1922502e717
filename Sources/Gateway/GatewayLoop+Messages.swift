import Basics
import HTTPServer
import Relay

extension GatewayLoop {
  /// `POST /api/messages`: one message out, its reply back.
  func sendMessage(_ request: HTTPRequest, _ answer: PendingAnswer) throws(Problem) -> any HTTPWork {
    var (order, message) = try order(request, answer)
    do throws(RelayError) {
      try order.begin(message.takeDatagram(), by: relay, fresh: message.fresh ?? false)
      return order
    } catch {
      throw order.problem(error)
    }
  }

  /// That there is no room is said before what is wrong with the message.
  private func order(
    _ request: HTTPRequest, _ answer: PendingAnswer
  ) throws(Problem) -> (MessageOrder, MessageRequest) {
    do throws(Problem) {
      let message = try MessageRequest(request)
      return (try MessageOrder(message, of: request, answer, on: self), message)
    } catch {
      throw noRoom ?? error
    }
  }

  /// That no exchange can begin; nil where one can.
  var noRoom: Problem? {
    core.budget.isExhausted
      ? Problem(.overloaded, Problem.words(.exchanges) + "; try again in a moment") : nil
  }
}
