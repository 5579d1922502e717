import HTTPServer
import Relay

/// The gateway as it is on one loop: what answers the requests there, and the relay it answers with.
final class GatewayLoop: HTTPApplication {
  let core: GatewayCore
  let router: Router
  let access: AccessRules
  let relay: UDPRelay
  let prober: UDPProber
  let metrics: LoopMetrics
  /// nil without an echo server.
  let hub: FeedHub?

  init(_ core: GatewayCore, index: Int) {
    self.core = core
    router = core.router
    access = core.access
    relay = core.relays[index]
    prober = core.probers[index]
    metrics = core.metrics[index]
    let keepAlive = core.configuration.feedKeepAlive
    hub = core.echo?.log.map { FeedHub(on: core.loops[index], log: $0, places: core.feeds, keepAlive: keepAlive) }
  }

  /// Refuses in the order that the API promises: who may not, then how often, then what form; how much and how many at
  /// once is the server's.
  func admit(_ head: HTTPRequestHead) -> HTTPAdmission {
    let match = router.match(head)
    let claims = RequestClaims(head)
    if let refusal = access.refusal(of: claims, to: match) {
      return .answered(counted(refused(refusal, claims, match), head, match.label))
    }
    guard case .destination(let destination) = match.outcome else {
      return .answered(counted(options(match), head, match.label))
    }
    if let problem = refusedByRate(head, destination) {
      return .answered(counted(problem, head, match.label))
    }
    if let problem = destination.refusal(of: head) {
      return .answered(counted(problem, head, match.label))
    }
    return .admitted(to: destination.number)
  }

  func begin(_ request: HTTPRequest, _ answer: PendingAnswer) -> HTTPProgress {
    let destination = router.destinations[request.destination]
    switch destination.kind {
    case .file(let file):
      return .answered(counted(.file(file, for: request.head), request.head, destination.label))
    case .route(let route):
      guard case .work(let begin) = route.answering else { return .needsTask }
      do throws(Problem) {
        return .pending(try begin(self, request, answer))
      } catch {
        return .answered(counted(error, request.head, destination.label))
      }
    }
  }

  func respond(to request: HTTPRequest) async -> HTTPResponse {
    let destination = router.destinations[request.destination]
    guard case .route(let route) = destination.kind, case .function(let handler) = route.answering else {
      preconditionFailure("'\(request.head.path)' needs no task")
    }
    do throws(Problem) {
      let response = try await handler(self, request)
      return counted(response, request.head, destination.label, isHeard: !Task.isCancelled)
    } catch {
      return counted(error, request.head, destination.label, isHeard: !Task.isCancelled)
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
  func counted(
    _ problem: Problem, _ head: HTTPRequestHead, _ label: Router.Label, isHeard: Bool = true
  ) -> HTTPResponse {
    core.log.write(problem, for: head, isHeard: isHeard)
    return counted(problem.response, head, label, isHeard: isHeard)
  }

  /// - Parameter isHeard: whether the client waits for the answer.
  @inline(never)
  func counted(
    _ response: consuming HTTPResponse, _ head: HTTPRequestHead, _ label: Router.Label, isHeard: Bool = true
  ) -> HTTPResponse {
    let method = Self.countedMethods.firstIndex(of: head.method)
    // nginx's number for a request whose client has gone.
    metrics.count(.init(route: label, method: method, status: isHeard ? response.status : 499))
    return response
  }

  /// The methods that metrics tell apart.
  static let countedMethods: [HTTPMethod] = [.post, .get, .head, .options, .put, .patch, .delete]

  private func options(_ match: Router.Match) -> HTTPResponse {
    guard case .options(let allow) = match.outcome else { preconditionFailure("what leads nowhere is refused") }
    return .allow(allow)
  }

  @inline(never)
  private func refused(
    _ refusal: AccessRules.Refusal, _ claims: RequestClaims, _ match: Router.Match
  ) -> HTTPResponse {
    switch refusal {
    case .notFound: nothing(for: claims.head)
    case .methodNotAllowed: refusedMethod(claims.head, match)
    case .wrongHost: Problem(wrongHost: claims.host ?? "").response
    case .crossSite: Problem.crossSite.response
    case .unauthorized: Problem(unauthorized: claims.authorization, curl: core.curl).response
    case .controlRefused: Problem.controlRefused.response
    }
  }

  /// Where the page was looked for concerns this machine's users alone.
  private func nothing(for head: HTTPRequestHead) -> HTTPResponse {
    let isHere = head.peer.ip.isLoopback && !head.isForwarded
    let reason = isHere ? core.configuration.reasonForNoPage : "there is no page; the gateway's log says why"
    return Problem(
      nothingAt: head.path, because: head.path == "/" ? reason : nil, curl: core.curl, url: core.url
    ).response
  }

  private func refusedMethod(_ head: HTTPRequestHead, _ match: Router.Match) -> HTTPResponse {
    guard case .notAllowed(let allow) = match.outcome else { preconditionFailure("the method is allowed") }
    let routes = Route.all.filter { $0.path == head.path || $0.path + "/" == head.path }
    // Who meant to change something is shown how.
    let route = routes.first { $0.method.isSafe == head.method.isSafe } ?? routes.first
    let line = route.map { core.curlLine($0) } ?? "\(core.curl)\(core.url)\(head.path)"
    return Problem(methodOf: head.path, allowed: allow, line: line).response
  }
}
