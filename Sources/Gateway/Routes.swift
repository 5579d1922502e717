import Echo
import HTTPServer

/// One thing the API can do.
final class Route: Sendable {
  typealias Handler = @Sendable (GatewayLoop, HTTPRequest) async throws(Problem) -> HTTPResponse
  typealias Beginning = @Sendable (GatewayLoop, HTTPRequest, PendingAnswer) throws(Problem) -> any HTTPWork

  /// What answers a request.
  enum Answering: Sendable {
    /// A function that may wait, in a task.
    case function(Handler)
    /// What is begun and ends without a task.
    case work(Beginning)
  }

  let method: HTTPMethod
  let path: String
  /// What it does, for `GET /api`.
  let summary: String
  /// What curl needs before the URL to use it.
  let curlOptions: String
  /// Who may use it.
  let access: Access
  /// A request does something, so pages of other origins may not make it.
  let hasEffects: Bool
  /// What is wrong with a body's type; nil for most routes, which do not look at it.
  let typeRefusal: TypeRefusal?
  /// It has datagrams sent, so that a client may use it only so often.
  let sends: Bool
  let answering: Answering

  typealias TypeRefusal = @Sendable (HTTPRequestHead) -> Problem?

  /// - Parameter actsOnRead: whether a GET does something too, as one that sends a datagram.
  init(
    method: HTTPMethod, path: String, summary: String, curlOptions: String = "", access: Access = .api,
    actsOnRead: Bool = false, typeRefusal: TypeRefusal? = nil, sends: Bool = false,
    answering: Answering
  ) {
    self.method = method
    self.path = path
    self.summary = summary
    self.curlOptions = curlOptions
    self.access = access
    hasEffects = actsOnRead || !method.isSafe
    self.typeRefusal = typeRefusal
    self.sends = sends
    self.answering = answering
  }

  /// A route that a function answers.
  convenience init(
    method: HTTPMethod, path: String, summary: String, curlOptions: String = "", access: Access = .api,
    actsOnRead: Bool = false, sends: Bool = false, handler: @escaping Handler
  ) {
    self.init(
      method: method, path: path, summary: summary, curlOptions: curlOptions, access: access, actsOnRead: actsOnRead,
      sends: sends, answering: .function(handler))
  }
}

extension Route {
  private static let impairmentsPath = "/api/echo/impairments"

  /// Stands in ``curlOptions`` for the name of a target that there is.
  static let targetInCurlLines = "TARGET"

  /// The whole API.
  static let all: [Route] = [
    Route(
      method: .post, path: "/api/messages", summary: "send one message, get the reply",
      curlOptions: "-d 'hello from client!!' ", typeRefusal: { MessageRequest.refusal(of: $0) }, sends: true,
      answering: .work { loop, request, answer throws(Problem) in try loop.sendMessage(request, answer) }),
    Route(
      method: .post, path: "/api/probes", summary: "send a series of datagrams; a line on each, then the figures",
      curlOptions: "-N -X POST ", sends: true,
      handler: { loop, request throws(Problem) in try await loop.runSeries(request) }),
    Route(
      method: .get, path: "/api", summary: "the routes",
      handler: { loop, _ in loop.routeList() }),
    Route(
      method: .get, path: "/openapi.json", summary: "the API as an OpenAPI 3.1 document", access: .page,
      handler: { loop, _ in loop.openAPI() }),
    Route(
      method: .get, path: "/api/targets", summary: "where messages can be sent",
      handler: { loop, _ in loop.targetList() }),
    Route(
      method: .get, path: "/api/info", summary: "version, uptime, addresses, limits",
      handler: { loop, _ in loop.information() }),
    Route(
      method: .get, path: "/api/echo", summary: "what the embedded echo server did",
      handler: { loop, _ throws(Problem) in try await loop.echoCounters() }),
    Route(
      method: .get, path: impairmentsPath, summary: "what the echo server does to datagrams on purpose",
      handler: { loop, _ throws(Problem) in try await loop.impairments() }),
    Route(
      method: .put, path: impairmentsPath, summary: "set all impairments",
      curlOptions: "-X PUT -d '{\"loss_percent\":10}' ", access: .control,
      handler: { loop, request throws(Problem) in
        try await loop.impair { () throws(Problem) in try Impairments.Change(isWhole: true, body: request.body) }
      }),
    Route(
      method: .patch, path: impairmentsPath, summary: "set some impairments, leave the others",
      curlOptions: "-X PATCH -d '{\"delay_ms\":50}' ", access: .control,
      handler: { loop, request throws(Problem) in
        try await loop.impair { () throws(Problem) in try Impairments.Change(isWhole: false, body: request.body) }
      }),
    Route(
      method: .delete, path: impairmentsPath, summary: "end all impairments", curlOptions: "-X DELETE ",
      access: .control,
      handler: { loop, _ throws(Problem) in try await loop.impair { .none } }),
    Route(
      method: .get, path: "/api/datagrams", summary: "what the embedded echo server saw, the newest first, or live",
      curlOptions: "-N -H 'Accept: text/event-stream' ", access: .control,
      handler: { loop, request throws(Problem) in try loop.datagrams(request) }),
    Route(
      method: .get, path: "/healthz", summary: "200 while every event loop turns", access: .open,
      handler: { loop, _ throws(Problem) in try loop.health() }),
    Route(
      method: .get, path: "/readyz", summary: "200 while requests are welcome, 503 while shutting down", access: .open,
      handler: { loop, _ throws(Problem) in try loop.readiness() }),
    Route(
      method: .get, path: "/metrics", summary: "the counters, for Prometheus",
      handler: { loop, _ in await loop.metricsText() }),
    Route(
      method: .get, path: "/probe", summary: "send one message to a target and tell Prometheus what became of it",
      curlOptions: "-G -d target=\(targetInCurlLines) ", actsOnRead: true, sends: true,
      handler: { loop, request throws(Problem) in try await loop.probe(request) }),
  ]
}
