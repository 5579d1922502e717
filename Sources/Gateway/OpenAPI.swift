import Basics
import HTTPServer

/// The API as an OpenAPI 3.1 document, made of what the program itself goes by: the table of routes, the kinds of
/// problems, the names of members, the bounds. What it tells beside them is in ``APIOperation`` and the schemas.
struct OpenAPI {
  /// Requests must carry a token.
  let needsToken: Bool
  /// How long a message waits that does not say.
  let timeoutMilliseconds: Int

  /// The document as JSON.
  var text: [UInt8] {
    var json = JSONWriter(capacity: 96 << 10)
    json.value(document)
    json.newline()
    return json.bytes
  }

  var document: JSONValue {
    [
      "openapi": "3.1.0",
      "info": [
        "title": "Yodel", "version": "\(version)", "summary": "Sends UDP datagrams for whoever can send HTTP.",
        "description": .string(Self.introduction),
      ],
      "servers": [["url": "/", "description": "This gateway."]],
      "tags": .array(APIOperation.Tag.allCases.map { ["name": "\($0.rawValue)", "description": "\($0.description)"] }),
      "paths": .init(members: paths),
      "components": components,
    ]
  }

  private static let introduction = """
    JSON is UTF-8 and ends in a newline; units come last in a member's name; milliseconds are decimal numbers. A \
    trailing slash of a path is ignored. A path that is not here is answered 404 `not-found`, a method that is not, \
    405 `method-not-allowed` with `Allow`. What libmicrohttpd cannot read at all gets a small page of its own: 400, \
    413, 414, 431 or 505.

    Every answer carries `X-Content-Type-Options: nosniff`, `Referrer-Policy: same-origin` and \
    `Cross-Origin-Resource-Policy: same-origin`; those of the API `Cache-Control: no-store`. There is no CORS grant.
    """
}

// MARK: - Paths

extension OpenAPI {
  private var paths: [(String, JSONValue)] {
    var seen: Set<String> = []
    let routed = Route.all.map(\.path).filter { seen.insert($0).inserted }.map { path in
      (path, item(Route.all.filter { $0.path == path }))
    }
    return routed + [("/", Self.page)]
  }

  /// All methods of a path: its routes', HEAD along with GET, and OPTIONS.
  private func item(_ routes: [Route]) -> JSONValue {
    var methods: [(String, JSONValue)] = []
    for route in routes {
      let operation = APIOperation.of(route)
      methods.append((route.method.rawValue.lowercased(), self.operation(operation, of: route)))
      if route.method == .get { methods.append(("head", head(operation, of: route))) }
    }
    return .init(members: methods + [("options", options(of: routes))])
  }

  private func operation(_ operation: APIOperation, of route: Route) -> JSONValue {
    var members: [(String, JSONValue)] = [
      ("operationId", "\(operation.identifier)"), ("tags", ["\(operation.tag.rawValue)"]),
      ("summary", "\(route.summary)"), ("description", "\(operation.description)"),
    ]
    if !operation.parameters.isEmpty { members.append(("parameters", .array(operation.parameters))) }
    if let body = operation.body { members.append(("requestBody", body)) }
    members += responses(operation.answer, of: route)
    return .init(members: members)
  }

  /// The same without the content.
  private func head(_ operation: APIOperation, of route: Route) -> JSONValue {
    var members: [(String, JSONValue)] = [
      ("operationId", "\(operation.identifier)Head"), ("tags", ["\(operation.tag.rawValue)"]),
      ("summary", "as GET, without the content"),
    ]
    if !operation.parameters.isEmpty { members.append(("parameters", .array(operation.parameters))) }
    members += responses(["description": "As of GET."], of: route)
    return .init(members: members)
  }

  private func responses(_ answer: JSONValue, of route: Route) -> [(String, JSONValue)] {
    let responses = [("200", answer)] + Self.answers(Problem.Kind.all(of: route))
    return [("responses", .init(members: responses)), ("security", security(route.access))]
  }

  private func options(of routes: [Route]) -> JSONValue {
    let operation = APIOperation.of(routes[0])
    let access = Self.accessOfOptions(routes)
    let answer: JSONValue = [
      "description": "The methods of this path.",
      "headers": ["Allow": Self.header("The methods.", example: Router.allow(routes.map(\.method)))],
    ]
    return [
      "operationId": "\(operation.identifier)Options", "tags": ["\(operation.tag.rawValue)"],
      "summary": "what can be done here",
      "responses": .init(members: [("204", answer)] + Self.answers(Problem.Kind.all(with: access))),
      "security": security(access),
    ]
  }

  /// Whoever may use some of a path may ask what there is.
  private static func accessOfOptions(_ routes: [Route]) -> Access { min(routes.map(\.access).min()!, .api) }

  private func security(_ access: Access) -> JSONValue {
    needsToken && access >= .api ? [["token": []]] : []
  }

  /// The page is no route: its files are served as they are.
  private static let page: JSONValue = [
    "get": [
      "operationId": "page", "tags": ["operation"], "summary": "the page, for testing by hand",
      "description": "Its files are beside it, each with an `ETag`.",
      "parameters": [
        [
          "name": "If-None-Match", "in": "header", "description": "The `ETag` of a copy.", "schema": ["type": "string"],
        ]
      ],
      "responses": [
        "200": [
          "description": "The page.", "headers": ["ETag": header("Of this version.", example: "\"4f1c\"")],
          "content": ["text/html": ["schema": ["type": "string"]]],
        ],
        "304": ["description": "The copy is good."],
        "404": ["$ref": "#/components/responses/not-found"],
      ],
      "security": [],
    ]
  ]
}

// MARK: - What the paths refer to

extension OpenAPI {
  private var components: JSONValue {
    let lists =
      Route.all.map { Problem.Kind.all(of: $0) }
      + Access.allCases.map { Problem.Kind.all(with: $0) } + [[.notFound], [.methodNotAllowed]]
    return [
      "schemas": .init(
        members: [("timeout_ms", timeout)] + Self.messageSchemas + Self.seriesSchemas + Self.echoSchemas
          + Self.operationSchemas + Self.problemSchemas),
      "responses": .init(members: Self.responses(lists)),
      "examples": .init(members: Self.problemExamples),
      "parameters": .init(members: Self.messageParameters),
      "securitySchemes": [
        "token": [
          "type": "http", "scheme": "bearer",
          "description": "The token of `--token-file`; never taken from a URL or a cookie.",
        ]
      ],
    ]
  }

  private var timeout: JSONValue {
    Self.integer("How long to wait for each reply, in milliseconds.", Limits.timeoutMilliseconds)
      + ["default": Self.number(timeoutMilliseconds)]
  }

  /// A reference to a schema.
  static func schema(_ name: String) -> JSONValue { ["$ref": "#/components/schemas/\(name)"] }

  /// A header field of an answer.
  static func header(_ description: String, example: String) -> JSONValue {
    ["description": "\(description)", "required": true, "schema": ["type": "string"], "example": "\(example)"]
  }

  /// An object whose members are all there but for the optional ones.
  static func object(
    _ description: String, _ properties: KeyValuePairs<String, JSONValue>, optional: Set<String> = []
  ) -> JSONValue {
    object(description, properties.map { ($0.key, $0.value) }, optional: optional)
  }

  /// The same of members that a list has.
  static func object(
    _ description: String, _ properties: [(String, JSONValue)], optional: Set<String> = []
  ) -> JSONValue {
    let required = properties.map(\.0).filter { !optional.contains($0) }
    return [
      "type": "object", "description": "\(description)", "required": .array(required.map { "\($0)" }),
      "properties": .init(members: properties),
    ]
  }

  static func text(_ description: String) -> JSONValue { ["type": "string", "description": "\(description)"] }

  static func flag(_ description: String) -> JSONValue { ["type": "boolean", "description": "\(description)"] }

  /// A whole number of a range.
  static func integer(_ description: String, _ range: ClosedRange<Int>) -> JSONValue {
    [
      "type": "integer", "description": "\(description)", "minimum": number(range.lowerBound),
      "maximum": number(range.upperBound),
    ]
  }

  /// How many of something.
  static func count(_ description: String) -> JSONValue {
    ["type": "integer", "description": "\(description)", "minimum": 0]
  }

  static func number(_ value: Int) -> JSONValue { .number(Double(value)) }

  /// What an answer in JSON says, as an example of it.
  static func value(of text: [UInt8]) -> JSONValue {
    guard let value = try? JSONValue(parsing: text) else { preconditionFailure("an answer is no JSON") }
    return value
  }
}

extension JSONValue {
  /// The object with one more member, or another value of it.
  func with(_ name: String, _ value: JSONValue) -> JSONValue {
    guard case .object(var members) = self else { preconditionFailure("only objects have members") }
    if let index = members.firstIndex(where: { $0.name == name }) {
      members[index].value = value
      return .object(members)
    }
    return self + .init(members: [(name, value)])
  }
}
