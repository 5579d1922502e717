import HTTPServer

/// One thing the API can do.
final class Route: Sendable {
  typealias Handler = @Sendable (GatewayLoop, HTTPRequest) async throws(Problem) -> HTTPResponse

  let method: HTTPMethod
  let path: String
  /// What it does, for `GET /api`.
  let summary: String
  /// What curl needs before the URL to use it.
  let curlOptions: String
  let handler: Handler

  init(method: HTTPMethod, path: String, summary: String, curlOptions: String = "", handler: @escaping Handler) {
    self.method = method
    self.path = path
    self.summary = summary
    self.curlOptions = curlOptions
    self.handler = handler
  }
}

extension Route {
  /// The whole API.
  static let all: [Route] = [
    Route(
      method: .post, path: "/api/messages", summary: "send one message, get the reply",
      curlOptions: "-d 'hello from client!!' ",
      handler: { loop, request throws(Problem) in try await loop.sendMessage(request) }),
    Route(
      method: .get, path: "/api", summary: "the routes",
      handler: { loop, _ in loop.routeList() }),
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
      method: .get, path: "/healthz", summary: "200 while every event loop turns",
      handler: { loop, _ throws(Problem) in try loop.health() }),
    Route(
      method: .get, path: "/readyz", summary: "200 while requests are welcome, 503 while shutting down",
      handler: { loop, _ throws(Problem) in try loop.readiness() }),
    Route(
      method: .get, path: "/metrics", summary: "the counters, for Prometheus",
      handler: { loop, _ in await loop.metricsText() }),
  ]
}
