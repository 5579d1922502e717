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

  /// What a member, a field or a parameter may be called.
  enum Name: String, CaseIterable {
    case message, base64, hex
    case target
    case timeout = "timeout_ms"
    case fresh

    /// It carries the message: exactly one of these is needed. The others say how it is sent.
    var isPayload: Bool {
      switch self {
      case .message, .base64, .hex: true
      case .target, .timeout, .fresh: false
      }
    }
  }

  static let payloadNames = Name.allCases.filter(\.isPayload).map(\.rawValue)
  static let optionNames = Name.allCases.filter { !$0.isPayload }.map(\.rawValue)
  /// All members of a body.
  static var knownNames: [String] { payloadNames + optionNames }

  /// Reads a request of HTTP.
  init(_ request: borrowing HTTPRequest) throws(Problem) {
    let type = request.head.fields["Content-Type"]
    try self.init(contentType: type, query: request.head.query, body: request.body)
  }

  /// Reads a request by its Content-Type; see the table of `POST /api/messages` in the README.
  init(contentType: String?, query: String?, body: borrowing [UInt8]) throws(Problem) {
    if contentType == "application/json" {
      // What nearly every program sends needs no taking apart.
      try self.init(json: body)
    } else {
      try self.init(mediaType: mediaType(contentType), copy body)
    }
    if let query, !query.isEmpty { try readOptions(query) }
  }

  private init(mediaType: String?, _ body: [UInt8]) throws(Problem) {
    if let problem = Self.refusal(of: mediaType) { throw problem }
    switch mediaType {
    case "application/json": try self.init(json: body)
    case "application/x-www-form-urlencoded":
      if try Self.isMessageObject(body) { try self.init(json: body) } else { try self.init(form: body) }
    default: self.init(datagram: body)
    }
  }

  /// Gives the datagram away.
  mutating func takeDatagram() -> [UInt8] {
    var taken: [UInt8] = []
    swap(&taken, &datagram)
    return taken
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

  /// A datagram for the default target.
  init(datagram: [UInt8]) {
    self.datagram = datagram
  }
}

// MARK: - JSON

extension MessageRequest {
  private init(json body: borrowing [UInt8]) throws(Problem) {
    self.init(datagram: [])
    // Of nearly every body no tree is made: only where something is wrong, to say what.
    if !readInOrder(body) { try self.init(tree: body) }
  }

  /// Reads members that are all as they should be; false where one is not, or there are others.
  mutating func readInOrder(_ body: [UInt8]) -> Bool {
    var hasPayload = false
    let isRead = readScalars(of: body) { name, value in
      guard let name = Name(utf8: name), !(name.isPayload ? hasPayload : has(name)) else { return false }
      hasPayload = hasPayload || name.isPayload
      return (try? read(name, .json(value))) != nil
    }
    return isRead && hasPayload
  }

  /// Reads any members, and says what is wrong with them.
  init(tree body: borrowing [UInt8]) throws(Problem) {
    let members = try jsonMembers(of: body, example: "{\"message\":\"hello\"}")
    self.init(datagram: [])
    try Self.requireOne(of: members.map(\.name), "member")
    for member in members { try read(member.name, .json(JSONScalar(member.value)), "member") }
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
    try Self.requireOne(of: fields.compactMap(\.name), "field")
    try read(fields, "field")
  }

  private mutating func readOptions(_ query: String) throws(Problem) {
    let parameters = FormField.all(in: query.utf8)
    for parameter in parameters where parameter.name.map(Self.payloadNames.contains) ?? false {
      throw Problem(
        .invalidRequest,
        "the message belongs into the body, not into the query; known are " + Self.optionNames.joined(separator: ", "))
    }
    for name in Name.allCases where has(name) && parameters.contains(where: { $0.name == name.rawValue }) {
      throw Problem(.invalidRequest, "'\(name.rawValue)' is in the body and in the query")
    }
    try read(parameters, "query parameter")
  }

  /// Whether an option is given.
  private func has(_ option: Name) -> Bool {
    switch option {
    case .target: target != nil
    case .timeout: timeoutMilliseconds != nil
    case .fresh: fresh != nil
    case .message, .base64, .hex: false
    }
  }

  private mutating func read(_ fields: [FormField], _ kind: String) throws(Problem) {
    for (name, value) in try FormField.pairs(fields, kind) { try read(name, .form(value), kind) }
  }
}

// MARK: - Members, fields and parameters alike

extension MessageRequest {
  /// A value as its form of request has it.
  private enum Value {
    /// nil for null, a list or an object.
    case json(JSONScalar?)
    case form(String)

    /// A text, in UTF-8.
    consuming func bytes() -> [UInt8]? {
      switch consume self {
      case .json(.text(let bytes)): bytes
      case .json: nil
      case .form(let text): Array(text.utf8)
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

  private mutating func read(_ name: String, _ value: Value, _ kind: String) throws(Problem) {
    guard let name = Name(rawValue: name) else { throw Problem(unknown: name, kind, known: Self.known(kind)) }
    try read(name, value)
  }

  private mutating func read(_ name: Name, _ value: consuming Value) throws(Problem) {
    switch name {
    case .message: datagram = try Self.bytes(value, of: name)
    case .base64: try readBytes(name, Self.bytes(base64: try Self.text(value, of: name)), "base64 (RFC 4648, padded)")
    case .hex: try readBytes(name, Self.bytes(hex: try Self.bytes(value, of: name)), "pairs of hexadecimal digits")
    case .target: target = try Self.text(value, of: name)
    case .timeout:
      guard let number = value.integer, Limits.timeoutMilliseconds.contains(number) else {
        throw Problem(notInteger: name.rawValue, in: Limits.timeoutMilliseconds)
      }
      timeoutMilliseconds = number
    case .fresh:
      guard let flag = value.boolean else { throw Problem(.invalidRequest, "'fresh' must be true or false") }
      fresh = flag
    }
  }

  private mutating func readBytes(_ name: Name, _ bytes: [UInt8]?, _ form: String) throws(Problem) {
    guard let bytes else { throw Problem(.invalidRequest, "'\(name.rawValue)' must be \(form)") }
    datagram = bytes
    isBinary = true
  }

  private static func bytes(_ value: consuming Value, of name: Name) throws(Problem) -> [UInt8] {
    guard let bytes = value.bytes() else { throw Problem(.invalidRequest, "'\(name.rawValue)' must be a text") }
    return bytes
  }

  private static func text(_ value: consuming Value, of name: Name) throws(Problem) -> String {
    String(decoding: try bytes(value, of: name), as: UTF8.self)
  }

  private static func requireOne(of names: [String], _ kind: String) throws(Problem) {
    let count = payloadNames.count { names.contains($0) }
    guard count != 1 else { return }
    if count == 0, let unknown = names.first(where: { Name(rawValue: $0) == nil }) {
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

  private static func bytes(hex digits: [UInt8]) -> [UInt8]? {
    guard digits.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(digits.count / 2)
    for place in stride(from: 0, to: digits.count, by: 2) {
      guard let high = hexadecimalDigit(digits[place]), let low = hexadecimalDigit(digits[place + 1]) else {
        return nil
      }
      bytes.append(high << 4 | low)
    }
    return bytes
  }
}

extension MessageRequest.Name {
  /// A name by its bytes.
  fileprivate init?(utf8 name: Span<UInt8>) {
    switch name {
    case "message": self = .message
    case "base64": self = .base64
    case "hex": self = .hex
    case "target": self = .target
    case "timeout_ms": self = .timeout
    case "fresh": self = .fresh
    default: return nil
    }
  }
}
