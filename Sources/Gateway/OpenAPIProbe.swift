import Basics

// `GET /probe`, as the OpenAPI document has it.

extension APIOperation {
  static let probe = APIOperation(
    identifier: "probe", tag: .operation,
    description: """
      One message, and what became of it as Prometheus reads it: the blackbox exporter's multi-target pattern. A probe \
      that failed is a 200 whose `probe_success` is 0. It waits half a second less than \
      `\(ProbeRequest.timeoutField)` says.
      """,
    parameters: ProbeRequest.names.map(parameter) + [scrapeTimeout],
    answer: [
      "description": "What became of it.",
      "content": [
        "text/plain": [
          "schema": ["type": "string"],
          "example": .string(String(decoding: report.text, as: UTF8.self)),
        ]
      ],
    ],
    problems: [.invalidRequest, .unknownTarget, .targetNotAllowed])

  private static let report = ProbeReport(
    outcome: .reply, isSuccess: true, roundTrip: .init(84_000), duration: .init(120_000))

  private static func parameter(_ name: String) -> JSONValue {
    guard let schema = schemas[name] else { preconditionFailure("'\(name)' is not described") }
    return ["name": "\(name)", "in": "query", "required": .bool(name == "target"), "schema": schema]
  }

  private static let scrapeTimeout: JSONValue = [
    "name": "\(ProbeRequest.timeoutField)", "in": "header", "description": "How long Prometheus waits, in seconds.",
    "schema": ["type": "number", "exclusiveMinimum": 0],
  ]

  private static let schemas: [String: JSONValue] = [
    "target": OpenAPI.schema("target").with("minLength", 1),
    "message": OpenAPI.text("The datagram as text; without it and `base64` one that no other probe has."),
    "base64": OpenAPI.base64("The datagram's bytes; not beside `message`."),
    "expect": [
      "description": "Which replies are a success: what was sent, or any.",
      "enum": .array(ProbeRequest.Expectation.allCases.map { "\($0.rawValue)" }),
      "default": "\(ProbeRequest.Expectation.echo.rawValue)",
    ],
  ]
}
