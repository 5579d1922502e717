import Basics
import HTTPServer

/// What the OpenAPI document tells of a route beside what the table of routes does.
struct APIOperation: Sendable {
  /// What belongs together.
  enum Tag: String, CaseIterable, CustomStringConvertible, Sendable {
    case messages
    case echo
    case operation

    var description: String {
      switch self {
      case .messages: "Datagrams that are sent, and what comes back."
      case .echo: "The embedded echo server: what it did, does on purpose, and saw."
      case .operation: "What there is, and how it is."
      }
    }
  }

  /// Names the operation for programs that are made of the document.
  var identifier: String
  var tag: Tag
  var description: String
  var parameters: [JSONValue] = []
  var body: JSONValue?
  /// The answer that is no problem, which is a 200.
  var answer: JSONValue
  /// What the handler itself may say, beside what follows from the table of routes.
  var problems: [Problem.Kind] = []

  /// What there is to tell of a route.
  ///
  /// - Precondition: the route is in ``all``; a test holds it to that.
  static func of(_ route: Route) -> APIOperation {
    guard let operation = all[key(of: route)] else { preconditionFailure("\(key(of: route)) is not described") }
    return operation
  }

  static func key(of route: Route) -> String { "\(route.method.rawValue) \(route.path)" }

  /// By method and path.
  static let all: [String: APIOperation] = [
    "POST /api/messages": .sendMessage, "POST /api/probes": .runSeries,
    "GET /api/echo": .echoCounters, "GET /api/echo/impairments": .impairments,
    "PUT /api/echo/impairments": .setImpairments, "PATCH /api/echo/impairments": .changeImpairments,
    "DELETE /api/echo/impairments": .endImpairments, "GET /api/datagrams": .datagrams,
    "GET /api": .routes, "GET /api/targets": .targets, "GET /api/info": .information, "GET /healthz": .health,
    "GET /readyz": .readiness, "GET /metrics": .metrics, "GET /openapi.json": .openAPI,
    "GET /probe": .probe,
  ]

  /// An answer in JSON.
  static func json(_ description: String, _ schema: String, example: JSONValue) -> JSONValue {
    [
      "description": "\(description)",
      "content": ["application/json": ["schema": OpenAPI.schema(schema), "example": example]],
    ]
  }
}

// MARK: - What there is, and how it is

extension APIOperation {
  fileprivate static let routes = APIOperation(
    identifier: "listRoutes", tag: .operation, description: "Each with a curl line that uses it.",
    answer: json(
      "The routes.", "routes",
      example: [
        "routes": [
          [
            "method": "GET", "path": "/api/targets", "summary": "where messages can be sent",
            "curl": "curl http://127.0.0.1:8080/api/targets",
          ]
        ]
      ]))

  fileprivate static let targets = APIOperation(
    identifier: "listTargets", tag: .operation, description: "The configured targets, the embedded echo server first.",
    answer: json(
      "The targets.", "targets",
      example: [
        "targets": [["name": "echo", "address": "127.0.0.1", "port": 9999, "embedded": true, "default": true]]
      ]))

  fileprivate static let information = APIOperation(
    identifier: "information", tag: .operation, description: "Version, uptime, addresses and limits of this gateway.",
    answer: json("What this gateway is.", "information", example: OpenAPI.informationExample))

  fileprivate static let health = APIOperation(
    identifier: "health", tag: .operation,
    description: "200 while every event loop has turned within \(Int(Limits.unhealthyAfter.seconds)) s, else 503 "
      + "`overloaded`; looks at no target, no token and no `Host`.",
    answer: json("Every loop turns.", "status", example: ["status": "ok"]))

  fileprivate static let readiness = APIOperation(
    identifier: "readiness", tag: .operation,
    description: "200 while requests are welcome, 503 `draining` while shutting down; looks at no target, no token and "
      + "no `Host`.",
    answer: json("Requests are welcome.", "status", example: ["status": "ok"]))

  fileprivate static let metrics = APIOperation(
    identifier: "metrics", tag: .operation, description: "The counters in Prometheus' text format.",
    answer: [
      "description": "The counters.",
      "content": [
        "text/plain": [
          "schema": ["type": "string"],
          "example": """
          # HELP yodel_exchanges_total Messages, by target and by what became of them.
          # TYPE yodel_exchanges_total counter
          yodel_exchanges_total{target="echo",outcome="reply"} 1

          """,
        ]
      ],
    ])

  fileprivate static let openAPI = APIOperation(
    identifier: "openAPI", tag: .operation, description: "This document.",
    answer: [
      "description": "An OpenAPI 3.1 document.",
      "content": [
        "application/json": ["schema": ["type": "object", "required": ["openapi", "info", "paths", "components"]]]
      ],
    ])
}
