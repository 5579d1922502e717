import Basics
import FoundationEssentials
import HTTPServer

/// What a `POST /api/messages` asks for, whatever the body's type: a value made of bytes, without a server.
struct MessageRequest: Equatable {
  /// The datagram's payload.
  var datagram: [UInt8]
  /// The payload came as `base64` or `hex`, so the reply's bytes are wanted too.
  var isBinary = false
  /// A configured name or a literal address; nil for the default.
  var target: String?
  /// How long to wait, in milliseconds; nil for the default.
  var timeoutMilliseconds: Int?
  /// A source port that no message used before; nil where nothing is said.
  var fresh: Bool?

  /// The members that carry the message; exactly one of them is needed.
  static let payloadNames = ["message", "base64", "hex"]
  /// The members that say how it is sent.
  static let optionNames = ["target", "timeout_ms", "fresh"]
  /// All members of a body.
  static var knownNames: [String] { payloadNames + optionNames }

  /// Reads a request of HTTP.
  init(_ request: HTTPRequest) throws(Problem) {
    let type = request.head.fields["Content-Type"]
    try self.init(contentType: type, query: request.head.query, body: request.body)
  }

  /// Reads a request by its Content-Type; see the table of `POST /api/messages` in the README.
  init(contentType: String?, query: String?, body: [UInt8]) throws(Problem) {
    if let problem = Self.refusal(of: contentType) { throw problem }
    switch mediaType(contentType) {
    case "application/json": try self.init(json: body)
    case "application/x-www-form-urlencoded":
      if try Self.isMessageObject(body) { try self.init(json: body) } else { try self.init(form: body) }
    default: self.init(datagram: body)
    }
    if let query, !query.isEmpty { try readOptions(query) }
  }

  /// What is wrong with the type of a body before a byte of it is read; nil for most.
  static func refusal(of head: HTTPRequestHead) -> Problem? {
    let begins = head.fields.withValue(of: "Content-Type") { $0.first.map { $0 | 0x20 } } ?? nil
    return begins == UInt8(ascii: "m") ? refusal(of: head.fields["Content-Type"]) : nil
  }

  static func refusal(of contentType: String?) -> Problem? {
    guard let type = mediaType(contentType), type.hasPrefix("multipart/") else { return nil }
    return Problem(
      .unsupportedMediaType,
      "\(escapedLine(type)) is not read; send the message with curl -d, a file with curl --data-binary @FILE")
  }

  private init(datagram: [UInt8]) {
    self.datagram = datagram
  }
}

// MARK: - JSON

extension MessageRequest {
  private init(json body: [UInt8]) throws(Problem) {
    let members = try jsonMembers(of: body, example: "{\"message\":\"hello\"}")
    self.init(datagram: [])
    // By place: each member that is looked at by itself is kept and let go for it.
    let count = Self.payloadNames.count { name in members.indices.contains { members[$0].name == name } }
    try Self.requireOne(count, of: members.map(\.name), "member")
    for index in members.indices { try read(members[index].name, Text(members[index].value), "member") }
  }

  /// Whether a body that is called a form is a JSON object with a message: then the header was forgotten, since a real
  /// form escapes its braces.
  private static func isMessageObject(_ body: [UInt8]) throws(Problem) -> Bool {
    guard body.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) == UInt8(ascii: "{") else { return false }
    do throws(JSONError) {
      guard case .object(let members) = try JSONValue(parsing: body) else { return false }
      return members.contains { payloadNames.contains($0.name) }
    } catch {
      // JSON that is refused for what it says is still meant as JSON.
      let text = String(decoding: body, as: UTF8.self)
      return error.isWellFormed && payloadNames.contains { text.contains("\"\($0)\"") }
    }
  }
}

// MARK: - Forms and queries

extension MessageRequest {
  private init(form body: [UInt8]) throws(Problem) {
    let fields = FormField.all(in: body)
    // A word alone is a message: "message" is one too.
    guard fields.contains(where: { $0.hasValue && $0.name.map(Self.payloadNames.contains) ?? false }) else {
      self.init(datagram: body)
      return
    }
    self.init(datagram: [])
    let names = fields.compactMap(\.name)
    try Self.requireOne(Self.payloadNames.count { names.contains($0) }, of: names, "field")
    try read(fields, "field")
  }

  private mutating func readOptions(_ query: String) throws(Problem) {
    let parameters = FormField.all(in: query.utf8)
    for parameter in parameters where parameter.name.map(Self.payloadNames.contains) ?? false {
      throw Problem(
        .invalidRequest,
        "the message belongs into the body, not into the query; known are " + Self.optionNames.joined(separator: ", "))
    }
    for (name, isGiven) in [
      ("target", target != nil), ("timeout_ms", timeoutMilliseconds != nil), ("fresh", fresh != nil),
    ]
    where isGiven && parameters.contains(where: { $0.name == name }) {
      throw Problem(.invalidRequest, "'\(name)' is in the body and in the query")
    }
    try read(parameters, "query parameter")
  }

  private mutating func read(_ fields: [FormField], _ kind: String) throws(Problem) {
    for (name, value) in try FormField.pairs(fields, kind) { try read(name, .form(value), kind) }
  }
}

// MARK: - Members, fields and parameters alike

extension MessageRequest {
  /// A value as its form of request has it.
  private enum Text {
    case json(JSONValue)
    case form(String)

    init(_ value: JSONValue) {
      self = .json(value)
    }

    var text: String? {
      switch self {
      case .json(.string(let text)), .form(let text): text
      case .json: nil
      }
    }

    var integer: Int? {
      switch self {
      case .json(.number(let number)): Int(exactly: number)
      case .json: nil
      case .form(let text): Int(digits: text)
      }
    }

    var boolean: Bool? {
      switch self {
      case .json(.bool(let value)): value
      case .json: nil
      case .form(let text): Bool(text)
      }
    }
  }

  private mutating func read(_ name: String, _ value: Text, _ kind: String) throws(Problem) {
    switch name {
    case "message": datagram = Array(try Self.text(value, of: name).utf8)
    case "base64": try readBytes(name, Self.bytes(base64: try Self.text(value, of: name)), "base64 (RFC 4648, padded)")
    case "hex": try readBytes(name, Self.bytes(hex: try Self.text(value, of: name)), "pairs of hexadecimal digits")
    case "target": target = try Self.text(value, of: name)
    case "timeout_ms":
      guard let number = value.integer, Limits.timeoutMilliseconds.contains(number) else {
        throw Problem(notInteger: name, in: Limits.timeoutMilliseconds)
      }
      timeoutMilliseconds = number
    case "fresh":
      guard let flag = value.boolean else { throw Problem(.invalidRequest, "'fresh' must be true or false") }
      fresh = flag
    default:
      throw Problem(unknown: name, kind, known: Self.known(kind))
    }
  }

  private mutating func readBytes(_ name: String, _ bytes: [UInt8]?, _ form: String) throws(Problem) {
    guard let bytes else { throw Problem(.invalidRequest, "'\(name)' must be \(form)") }
    datagram = bytes
    isBinary = true
  }

  private static func text(_ value: Text, of name: String) throws(Problem) -> String {
    guard let text = value.text else { throw Problem(.invalidRequest, "'\(name)' must be a text") }
    return text
  }

  /// - Parameter count: how many of the names are payloads'.
  private static func requireOne(
    _ count: Int, of names: @autoclosure () -> [String], _ kind: String
  ) throws(Problem) {
    guard count != 1 else { return }
    let unknown = names().first { !payloadNames.contains($0) && !optionNames.contains($0) }
    if let unknown, count == 0 {
      throw Problem(unknown: unknown, kind, known: known(kind))
    }
    throw Problem(.invalidRequest, "exactly one of 'message', 'base64' and 'hex' is needed, not \(count)")
  }

  private static func known(_ kind: String) -> [String] {
    kind.hasSuffix("parameter") ? optionNames : knownNames
  }

  static func bytes(base64 text: String) -> [UInt8]? {
    Data(base64Encoded: text).map { Array($0) }
  }

  private static func bytes(hex text: String) -> [UInt8]? {
    guard text.utf8.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count / 2)
    var digits = text.utf8.makeIterator()
    while let high = digits.next(), let low = digits.next() {
      guard let high = hexadecimalDigit(high), let low = hexadecimalDigit(low) else { return nil }
      bytes.append(high << 4 | low)
    }
    return bytes
  }
}
