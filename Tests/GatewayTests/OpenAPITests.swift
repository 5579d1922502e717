import Basics
import Echo
import HTTPServer
import Relay
import Testing

@testable import Gateway

/// The OpenAPI document has what the program has, no more and no less.
struct OpenAPITests {
  private let document = OpenAPI(needsToken: false, timeoutMilliseconds: 1234).document

  private func names(_ value: JSONValue?) throws -> [String] {
    guard case .object(let members)? = value else { throw CancellationError() }
    return members.map(\.name)
  }

  private func schema(_ name: String) throws -> JSONValue {
    try #require(document["components"]?["schemas"]?[name])
  }

  @Test func everyRouteIsDescribedAndNoOther() throws {
    #expect(Set(APIOperation.all.keys) == Set(Route.all.map { APIOperation.key(of: $0) }))
    var described: Set<String> = []
    for path in try names(document["paths"]) where path != "/" {
      let methods = try names(document["paths"]?[path])
      described.formUnion(methods.map { "\($0.uppercased()) \(path)" })
    }
    var served = Set(Route.all.map { APIOperation.key(of: $0) })
    for route in Route.all {
      served.insert("OPTIONS \(route.path)")
      if route.method == .get { served.insert("HEAD \(route.path)") }
    }
    #expect(described == served)
  }

  @Test func membersOfRequestsAreThoseThatAreRead() throws {
    #expect(try names(schema("message")["properties"]) == MessageRequest.knownNames)
    guard case .array(let forms)? = try schema("messageForm")["oneOf"] else { throw CancellationError() }
    #expect(try names(forms[0]["properties"]) == MessageRequest.knownNames)
    #expect(try names(document["components"]?["parameters"]) == MessageRequest.optionNames)
    #expect(try names(schema("series")["properties"]) == SeriesRequest.names)
    let settings = Impairments.Setting.allCases.map(\.rawValue)
    #expect(try names(schema("impairmentsChange")["properties"]).sorted() == settings.sorted())
    guard case .array(let chain)? = try schema("impairmentsChange")["properties"]?["burst_loss"]?["anyOf"] else {
      throw CancellationError()
    }
    #expect(try names(chain[0]["properties"]) == Impairments.Edit.burstNames)
  }

  /// What the schemas say is beside the bounds that requests are held to.
  @Test func boundsAreTheOnesThatHold() throws {
    for (member, range) in [
      ("count", Limits.probeCount), ("size", Limits.probeSize), ("interval_ms", Limits.probeIntervalMilliseconds),
    ] {
      for value in [range.lowerBound, range.upperBound] where member != "interval_ms" || value > 0 {
        let count = member == "interval_ms" ? ",\"count\":1" : ",\"interval_ms\":1"
        _ = try SeriesRequest(body: Array("{\"\(member)\":\(value)\(count)}".utf8), isRemote: false)
      }
      for value in [range.lowerBound - 1, range.upperBound + 1] where value != 0 {
        #expect(throws: Problem.self) {
          try SeriesRequest(body: Array("{\"\(member)\":\(value)}".utf8), isRemote: false)
        }
      }
    }
    #expect(try schema("timeout_ms")["default"] == 1234)
  }

  @Test(arguments: Problem.Kind.allCases)
  func everyProblemHasItsSchemaAndItsExample(kind: Problem.Kind) throws {
    #expect(kind.example.kind == kind)
    let properties = try schema(kind.rawValue)["properties"]
    #expect(properties?["type"]?["const"] == "urn:yodel:problem:\(kind.rawValue)")
    #expect(properties?["status"]?["const"] == .number(Double(kind.row.status)))
    let example = document["components"]?["examples"]?[kind.rawValue]?["value"]
    #expect(example?["title"] == .string(kind.row.title))
    let response = kind.example.response
    for name in try names(kind.headers) { #expect(response.fields[name] != nil, "\(name)") }
    let general: Set = ["Content-Type", "Cache-Control", "X-Content-Type-Options", "Referrer-Policy"]
    for field in response.fields where !general.contains(field.name) && !field.name.hasPrefix("Cross-Origin") {
      #expect(kind.headers[field.name] != nil, "\(field.name)")
    }
  }

  /// Every member that a problem can have stands in the schema of all.
  @Test func membersOfProblemsAreNamed() throws {
    let known = try Set(names(schema("problem")["properties"]))
    for kind in Problem.Kind.allCases {
      #expect(try known.isSuperset(of: names(OpenAPI.value(of: kind.example.text))), "\(kind)")
    }
  }

  @Test func whatIsReferredToIsThere() throws {
    var references: Set<String> = []
    collect(document, &references)
    #expect(references.count > 60)
    for reference in references {
      var place: JSONValue? = document
      for name in reference.split(separator: "/").dropFirst() { place = place?[String(name)] }
      #expect(place != nil, "\(reference)")
    }
    // And nothing is there that nothing refers to, but for what streams hold and what no path of the document answers.
    let apart: Set = ["not-found", "method-not-allowed", "seriesLine", "datagram", "gap", "method-not-allowed"]
    for section in ["schemas", "responses", "examples", "parameters"] {
      for name in try names(document["components"]?[section]) where !apart.contains(name) {
        #expect(references.contains("#/components/\(section)/\(name)"), "\(section) \(name)")
      }
    }
  }

  private func collect(_ value: JSONValue, _ references: inout Set<String>) {
    switch value {
    case .object(let members):
      for member in members {
        if member.name == "$ref", case .string(let reference) = member.value { references.insert(reference) }
        collect(member.value, &references)
      }
    case .array(let elements): for element in elements { collect(element, &references) }
    default: break
    }
  }

  @Test func identifiersDiffer() throws {
    var identifiers: [JSONValue] = []
    for path in try names(document["paths"]) {
      for method in try names(document["paths"]?[path]) {
        identifiers.append(try #require(document["paths"]?[path]?[method]?["operationId"]))
      }
    }
    #expect(Set(identifiers.map { "\($0)" }).count == identifiers.count)
  }

  /// The writer and the reader of JSON agree on all of it.
  @Test func theTextIsTheDocument() throws {
    let text = OpenAPI(needsToken: false, timeoutMilliseconds: 1234).text
    #expect(try JSONValue(parsing: text) == document && text.last == 0x0A)
  }
}
