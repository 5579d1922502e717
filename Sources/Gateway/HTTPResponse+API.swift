import HTTPServer

extension HTTPResponse {
  /// An answer of the API whose content comes with time, and is seen as it comes.
  static func api(
    type: String, stream: @escaping @Sendable (HTTPBodyWriter) async throws -> Void
  ) -> HTTPResponse {
    var response = api(type: type, [])
    // nginx would gather it.
    response.fields.append("X-Accel-Buffering", "no")
    response.body = .stream(stream)
    return response
  }

  /// An answer of the API: never stored, never guessed at, never for another origin's eyes.
  static func api(status: Int = 200, type: String = "application/json", _ body: [UInt8]) -> HTTPResponse {
    let fields = type == "application/json" ? HTTPFields(beginningWith: jsonFields) : apiFields(type)
    return HTTPResponse(status: status, fields: fields, body: .bytes(body))
  }

  private static let jsonFields = HTTPFields.Common(apiFields("application/json"))

  private static func apiFields(_ type: String) -> HTTPFields {
    [
      "Content-Type": type, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
      "Referrer-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
    ]
  }

  /// What can be done here, and nothing else.
  static func allow(_ methods: String) -> HTTPResponse {
    var response = api(status: 204, [])
    response.fields = HTTPFields()
    for (name, value) in [
      ("Allow", methods), ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"),
      ("Referrer-Policy", "same-origin"), ("Cross-Origin-Resource-Policy", "same-origin"),
    ] { response.fields.append(name, value) }
    return response
  }

  /// A file of the page, or word that the client's copy is good (RFC 9110 section 13.1.2).
  static func file(_ file: StaticFile, for head: HTTPRequestHead) -> HTTPResponse {
    let accepted = takesGzip(head.fields["Accept-Encoding"]) ? file.compressed ?? file : file
    // no-cache: kept, but asked about each time, so that a new version shows at once.
    var fields: HTTPFields = [
      "ETag": accepted.entityTag, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff",
      "Referrer-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
    ]
    if file.compressed != nil { fields.append("Vary", "Accept-Encoding") }
    if let condition = head.fields["If-None-Match"], matches(accepted.entityTag, condition) {
      return HTTPResponse(status: 304, fields: fields)
    }
    fields.append("Content-Type", file.type)
    if let encoding = accepted.encoding { fields.append("Content-Encoding", encoding) }
    if file.type.hasPrefix("text/html") { fields.append("Content-Security-Policy", pagePolicy) }
    return HTTPResponse(status: 200, fields: fields, body: .file(accepted))
  }

  /// Whether an Accept-Encoding has gzip in it and does not refuse it (RFC 9110 section 12.5.3).
  private static func takesGzip(_ accepted: String?) -> Bool {
    accepted?.lowercased().split(separator: ",").contains { coding in
      let parts = coding.filter { $0 != " " && $0 != "\t" }.split(separator: ";")
      return parts.first == "gzip" && !parts.dropFirst().contains { $0.hasPrefix("q=") && Double($0.dropFirst(2)) == 0 }
    } ?? false
  }

  /// The page is made of this origin's files alone, nobody frames it (CSP Level 3), and no text becomes markup or a
  /// script in it (Trusted Types).
  private static let pagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    + "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

  /// Weak comparison, as If-None-Match wants it.
  private static func matches(_ tag: String, _ condition: String) -> Bool {
    condition.split(separator: ",").contains { candidate in
      let candidate = candidate.drop { $0 == " " }.prefix { $0 != " " }
      return candidate == "*" || candidate == tag || candidate == "W/" + tag
    }
  }
}
