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
    switch core.router.match(head) {
    case .route, .file: return nil
    case .allowed(let methods): return counted(refusedMethod(head, methods), head)
    case .nothing: return counted(head.path == "*" ? .allow("GET, HEAD, POST, OPTIONS") : nothingHere(head), head)
    }
  }

  func respond(to request: HTTPRequest) async -> HTTPResponse {
    let response: HTTPResponse
    switch core.router.match(request.head) {
    case .file(let file): response = .file(file, ifNoneMatch: request.head.fields["If-None-Match"])
    case .route(let route):
      do throws(Problem) {
        response = try await route.handler(self, request)
      } catch {
        response = error.response
      }
    case .allowed, .nothing: preconditionFailure("a request that was not admitted is answered")
    }
    return counted(response, request.head)
  }

  func refuse(_ refusal: HTTPRefusal) -> HTTPResponse {
    let response = Problem(refusal).response
    metrics.count(.init(route: .other, method: "other", status: response.status))
    return response
  }
}

extension GatewayLoop {
  private func counted(_ response: HTTPResponse, _ head: HTTPRequestHead) -> HTTPResponse {
    let method = Self.countedMethods.contains(head.method) ? head.method.rawValue : "other"
    metrics.count(.init(route: core.router.label(head), method: method, status: response.status))
    return response
  }

  private static let countedMethods: Set<HTTPMethod> = [.get, .head, .post, .put, .patch, .delete, .options]

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
    let route = Route.all.first { $0.path == head.path }
    let line = "curl \(route?.curlOptions ?? "")\(core.url)\(head.path)"
    var problem = Problem(.methodNotAllowed, "'\(head.path)' takes \(list); for example: \(line)")
    problem.fields.append(("Allow", list))
    var response = problem.response
    // What these would make of the connection is not HTTP as we speak it.
    response.closesConnection = ["TRACE", "CONNECT"].contains(head.method.rawValue)
    return response
  }
}
