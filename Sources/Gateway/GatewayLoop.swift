import HTTPServer
import Relay

/// The gateway as it is on one loop: what answers the requests there, and the relay it answers with.
final class GatewayLoop: HTTPApplication {
  let core: GatewayCore
  let relay: UDPRelay
  let metrics: LoopMetrics

  init(_ core: GatewayCore, index: Int) {
    self.core = core
    relay = core.relays[index]
    metrics = core.metrics[index]
  }

  func admit(_ head: HTTPRequestHead) -> HTTPResponse? {
    let (match, label) = core.router.match(head)
    switch match {
    case .route, .file: return nil
    case .allowed(let methods): return counted(refusedMethod(head, methods), head, label)
    case .nothing:
      return counted(head.path == "*" ? .allow("GET, HEAD, POST, OPTIONS") : nothingHere(head), head, label)
    }
  }

  func respond(to request: HTTPRequest) async -> HTTPResponse {
    let (match, label) = core.router.match(request.head)
    guard case .route(let route) = match else { return file(match, label, for: request.head) }
    do throws(Problem) {
      return counted(try await route.handler(self, request), request.head, label)
    } catch {
      return counted(error, request.head, label)
    }
  }

  func refuse(_ refusal: HTTPRefusal) -> HTTPResponse {
    let response = Problem(refusal).response
    metrics.count(.init(route: .other, method: nil, status: response.status))
    return response
  }
}

// What a function that waits does at once stays out of it: all that it could keep while it waits is allocated.

extension GatewayLoop {
  @inline(never)
  private func file(_ match: Router.Match, _ label: Router.Label, for head: HTTPRequestHead) -> HTTPResponse {
    guard case .file(let file) = match else { preconditionFailure("a request that was not admitted is answered") }
    return counted(.file(file, ifNoneMatch: head.fields["If-None-Match"]), head, label)
  }

  @inline(never)
  private func counted(_ problem: Problem, _ head: HTTPRequestHead, _ label: Router.Label) -> HTTPResponse {
    counted(problem.response, head, label)
  }

  @inline(never)
  private func counted(_ response: HTTPResponse, _ head: HTTPRequestHead, _ label: Router.Label) -> HTTPResponse {
    let method = Self.countedMethods.firstIndex(of: head.method)
    // Nobody hears the answer to a request whose client has gone; nginx's number for that.
    metrics.count(.init(route: label, method: method, status: Task.isCancelled ? 499 : response.status))
    return response
  }

  /// The methods that metrics tell apart.
  static let countedMethods: [HTTPMethod] = [.post, .get, .head, .options, .put, .patch, .delete]

  private func nothingHere(_ head: HTTPRequestHead) -> HTTPResponse {
    let detail =
      "there is no '\(head.path)'; to send a message: curl -d 'hello' \(core.url)/api/messages — what else "
      + "there is: curl \(core.url)/api"
    return Problem(.notFound, detail).response
  }

  private func refusedMethod(_ head: HTTPRequestHead, _ methods: [HTTPMethod]) -> HTTPResponse {
    let allowed = methods.flatMap { $0 == .get ? [.get, .head] : [$0] } + [.options]
    let list = allowed.map(\.rawValue).joined(separator: ", ")
    if head.method == .options { return .allow(list) }
    let route = Route.all.first { $0.path == head.path || $0.path + "/" == head.path }
    let line = "curl \(route?.curlOptions ?? "")\(core.url)\(route?.path ?? head.path)"
    let detail = "'\(head.path)' takes \(list); for example: \(line)"
    var response = Problem(.methodNotAllowed, detail, fields: [("Allow", list)]).response
    // What these would make of the connection is not HTTP as we speak it.
    response.closesConnection = ["TRACE", "CONNECT"].contains(head.method.rawValue)
    return response
  }
}
