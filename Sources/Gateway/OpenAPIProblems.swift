import Basics
import HTTPServer
import Relay
import Sockets

// The problems, as the OpenAPI document has them: schemas, examples and answers, all made of the table of kinds.

extension Problem.Kind {
  /// What any request may be answered that asks for so much access.
  static func all(with access: Access) -> [Problem.Kind] {
    var kinds: [Problem.Kind] = [
      .malformedRequest, .messageTooLarge, .headTooLarge, .internalError, .notImplemented, .overloaded, .draining,
    ]
    if access > .open { kinds.append(.wrongHost) }
    if access >= .api { kinds.append(.unauthorized) }
    if access == .control { kinds.append(.controlRefused) }
    return kinds
  }

  /// What a route may answer, in the order of the table: by what the table of routes says of it, and its handler's own.
  static func all(of route: Route) -> [Problem.Kind] {
    var kinds = all(with: route.access) + APIOperation.of(route).problems
    if route.hasEffects { kinds.append(.crossSite) }
    if route.sends { kinds.append(.rateLimited) }
    if route.typeRefusal != nil { kinds.append(.unsupportedMediaType) }
    return allCases.filter(kinds.contains)
  }

  /// Header fields that come with it.
  var headers: JSONValue {
    switch self {
    case .unauthorized: ["WWW-Authenticate": OpenAPI.header("`Bearer`", example: "Bearer")]
    case .methodNotAllowed: ["Allow": OpenAPI.header("The methods that are.", example: "GET, HEAD, OPTIONS")]
    case .rateLimited, .overloaded, .draining:
      ["Retry-After": OpenAPI.header("Seconds to wait.", example: "1")]
    default: [:]
    }
  }

  /// Such a problem as the gateway says it.
  var example: Problem {
    let target = Target(name: "lab", address: SocketAddress("192.0.2.1:9999")!)
    switch self {
    case .malformedRequest: return Problem(.malformed("the method is no token"))
    case .invalidRequest: return Problem(unknown: "mesage", "member", known: MessageRequest.knownNames)
    case .unknownTarget, .targetNotAllowed, .notFound, .methodNotAllowed: return exampleOfPlace
    case .unauthorized: return Problem(unauthorized: .missing, curl: "curl ")
    case .crossSite: return .crossSite
    case .controlRefused: return .controlRefused
    case .messageTooLarge: return Problem(.messageTooLarge(limit: Limits.largestPayloadIPv4), target: target)
    case .unsupportedMediaType: return MessageRequest.refusal(of: "multipart/form-data")!
    case .wrongHost: return Problem(wrongHost: "gateway.example")
    case .rateLimited: return Problem(rate: Limits.defaultMessageRate, retryAfter: 1)
    case .headTooLarge: return Problem(.headTooLarge(limit: Limits.connectionPool - Limits.connectionPoolReserve))
    case .internalError: return Problem(.cancelled, target: target)
    case .notImplemented: return Problem(.transferCoding("gzip"))
    case .portUnreachable: return Problem(.portUnreachable(nil), target: target)
    case .targetUnreachable: return Problem(.targetUnreachable(.noRouteToHost, nil), target: target)
    case .overloaded: return Problem(.overloaded(.exchanges), target: target)
    case .draining: return Problem(.draining)
    case .noReply: return Problem(.noReply, target: target)
    }
  }

  /// Of the problems with where something is.
  private var exampleOfPlace: Problem {
    let url = "http://127.0.0.1:8080"
    let targets = TargetTable(
      [Target(name: "echo", address: SocketAddress("127.0.0.1:9999")!)], rules: TargetRules(allowed: [], broadcasts: [])
    )
    func problem(naming name: String) -> Problem {
      do throws(Problem) {
        _ = try targets.target(name)
        preconditionFailure("'\(name)' is a target")
      } catch {
        return error
      }
    }
    switch self {
    case .unknownTarget: return problem(naming: "lab")
    case .targetNotAllowed: return problem(naming: "192.0.2.1:9999")
    case .methodNotAllowed:
      let line = "curl -d 'hello from client!!' \(url)/api/messages"
      return Problem(methodOf: "/api/messages", allowed: "POST, OPTIONS", line: line)
    default: return Problem(nothingAt: "/api/message", curl: "curl ", url: url)
    }
  }
}

extension Problem {
  fileprivate convenience init(_ error: RelayError, target: Target) {
    self.init(error, target: target, timeoutMilliseconds: Limits.defaultTimeoutMilliseconds)
  }
}

extension OpenAPI {
  static let problemType = "application/problem+json"

  /// What all problems have, and a schema a kind, under its name.
  static var problemSchemas: [(String, JSONValue)] {
    [("problem", problem), ("icmp", icmp)]
      + Problem.Kind.allCases.map { kind in
        (
          kind.rawValue,
          [
            "allOf": [schema("problem")],
            "properties": [
              "type": ["const": "\(Problem.typePrefix)\(kind.rawValue)"], "title": ["const": "\(kind.row.title)"],
              "status": ["const": .number(Double(kind.row.status))],
            ],
          ]
        )
      }
  }

  /// What all problems have (RFC 9457).
  private static var problem: JSONValue {
    object(
      "An error of the gateway's own (RFC 9457).",
      [
        "type": [
          "type": "string", "enum": .array(Problem.Kind.allCases.map { "\(Problem.typePrefix)\($0.rawValue)" }),
        ],
        "title": text("The same for every problem of a type."),
        "status": ["type": "integer", "minimum": 400, "maximum": 599],
        "detail": text("What was wrong, and what to do."),
        "target": text("The target that it is about."),
        "timeout_ms": integer("How long was waited.", Limits.timeoutMilliseconds),
        "limit": ["type": "integer", "description": "The bound that was met."],
        "icmp": schema("icmp"),
      ],
      optional: ["target", "timeout_ms", "limit", "icmp"])
  }

  /// An ICMP message's members, where one told.
  private static var icmp: JSONValue {
    object(
      "The ICMP message that told.",
      ["version": ["enum": [4, 6]], "type": integer("Its type.", 0...255), "code": integer("Its code.", 0...255)])
  }

  /// An example a kind, under its name: the program's own words.
  static var problemExamples: [(String, JSONValue)] {
    Problem.Kind.allCases.map { kind in
      (kind.rawValue, ["summary": "\(kind.row.title)", "value": value(of: kind.example.text)])
    }
  }

  /// Answers that tell of one of these problems, by their status.
  static func answers(_ kinds: [Problem.Kind]) -> [(String, JSONValue)] {
    Dictionary(grouping: kinds, by: \.row.status).sorted { $0.key < $1.key }.map { status, kinds in
      ("\(status)", ["$ref": "#/components/responses/\(responseName(kinds))"])
    }
  }

  /// The answers that ``answers(_:)`` of these lists leads to, each once.
  static func responses(_ lists: [[Problem.Kind]]) -> [(String, JSONValue)] {
    var seen: Set<String> = []
    return lists.flatMap { Dictionary(grouping: $0, by: \.row.status).values }.map { (responseName($0), $0) }
      .filter { seen.insert($0.0).inserted }.sorted { $0.0 < $1.0 }.map { ($0, response($1)) }
  }

  private static func responseName(_ kinds: [Problem.Kind]) -> String {
    kinds.map(\.rawValue).joined(separator: ".")
  }

  private static func response(_ kinds: [Problem.Kind]) -> JSONValue {
    let schemas = kinds.map { schema($0.rawValue) }
    let examples = kinds.map { ($0.rawValue, ["$ref": "#/components/examples/\($0.rawValue)"] as JSONValue) }
    let either: JSONValue = schemas.count == 1 ? schemas[0] : ["oneOf": .array(schemas)]
    return [
      "description": "\(kinds.map(\.row.title).joined(separator: ", or: "))", "headers": kinds[0].headers,
      "content": [problemType: ["schema": either, "examples": .init(members: examples)]],
    ]
  }
}
