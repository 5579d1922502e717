extension JSONValue {
  /// Reads one JSON text that fills `bytes` entirely but for white space.
  ///
  /// - Throws: ``JSONError`` for anything RFC 8259 does not allow, invalid UTF-8, a lone surrogate, a member named
  ///   twice, or nesting deeper than ``Limits/jsonDepth``.
  public init(parsing bytes: [UInt8]) throws(JSONError) {
    self = try bytes.withUnsafeBufferPointer { (buffer) throws(JSONError) in
      var reader = JSONReader(bytes: buffer)
      return try reader.readText()
    }
  }
}

/// A recursive descent over the bytes; the depth is bounded, so is the stack.
struct JSONReader {
  let bytes: UnsafeBufferPointer<UInt8>
  var offset = 0
  private var depth = 0

  init(bytes: UnsafeBufferPointer<UInt8>) {
    self.bytes = bytes
  }

  mutating func readText() throws(JSONError) -> JSONValue {
    let value = try readValue()
    try readEnd()
    return value
  }

  mutating func readEnd() throws(JSONError) {
    skipWhiteSpace()
    guard offset == bytes.count else { throw error("unexpected text after the value") }
  }

  private mutating func readValue() throws(JSONError) -> JSONValue {
    skipWhiteSpace()
    guard let first = peek() else { throw error("the text ends where a value was expected") }
    switch first {
    case UInt8(ascii: "{"): return try nested { (reader) throws(JSONError) in try reader.readObject() }
    case UInt8(ascii: "["): return try nested { (reader) throws(JSONError) in try reader.readArray() }
    case UInt8(ascii: "\""): return .string(try readString())
    case UInt8(ascii: "t"): return .bool(try readLiteral("true", true))
    case UInt8(ascii: "f"): return .bool(try readLiteral("false", false))
    case UInt8(ascii: "n"): return try readLiteral("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try readNumber())
    default: throw error("no JSON value starts")
    }
  }

  private mutating func nested(
    _ read: (inout JSONReader) throws(JSONError) -> JSONValue
  ) throws(JSONError) -> JSONValue {
    depth += 1
    guard depth <= Limits.jsonDepth else {
      throw JSONError(offset: offset, reason: "nested deeper than \(Limits.jsonDepth) levels", isWellFormed: true)
    }
    let value = try read(&self)
    depth -= 1
    return value
  }

  private mutating func readObject() throws(JSONError) -> JSONValue {
    var members: [JSONValue.Member] = []
    var names = SeenNames()
    try readMembers { (reader) throws(JSONError) in
      let nameOffset = reader.offset
      let name = try reader.readString()
      guard names.insert(name, to: members) else {
        throw JSONError(
          offset: nameOffset, reason: "the member '\(escapedLine(name))' is there twice", isWellFormed: true)
      }
      try reader.readColon()
      members.append(.init(name: name, value: try reader.readValue()))
    }
    return .object(members)
  }

  /// Reads an object, of which `member` reads each member, from its name to its value.
  @inline(__always)
  mutating func readMembers(_ member: (inout JSONReader) throws(JSONError) -> Void) throws(JSONError) {
    offset += 1
    skipWhiteSpace()
    if skip("}") { return }
    repeat {
      skipWhiteSpace()
      guard peek() == UInt8(ascii: "\"") else { throw error("a member's name in quotes was expected") }
      try member(&self)
      skipWhiteSpace()
    } while skip(",")
    guard skip("}") else { throw error("a comma or a closing brace was expected") }
  }

  mutating func readColon() throws(JSONError) {
    skipWhiteSpace()
    guard skip(":") else { throw error("a colon was expected") }
  }

  private mutating func readArray() throws(JSONError) -> JSONValue {
    var elements: [JSONValue] = []
    offset += 1
    skipWhiteSpace()
    if skip("]") { return .array(elements) }
    repeat {
      elements.append(try readValue())
      skipWhiteSpace()
    } while skip(",")
    guard skip("]") else { throw error("a comma or a closing bracket was expected") }
    return .array(elements)
  }

  mutating func readLiteral<Value>(_ literal: StaticString, _ value: Value) throws(JSONError) -> Value {
    let end = offset + literal.utf8CodeUnitCount
    guard end <= bytes.count, literal ~= bytes.extracting(offset..<end).span else {
      throw error("no JSON value starts")
    }
    offset = end
    return value
  }

  mutating func readNumber() throws(JSONError) -> Double {
    let start = offset
    _ = skip("-")
    if !skip("0") { try readDigits() }
    if skip(".") { try readDigits() }
    if skip("e") || skip("E") {
      _ = skip("+") || skip("-")
      try readDigits()
    }
    let text = String(decoding: bytes[start..<offset], as: UTF8.self)
    guard let number = Double(text), number.isFinite else {
      throw JSONError(offset: start, reason: "a number out of range", isWellFormed: true)
    }
    return number
  }

  private mutating func readDigits() throws(JSONError) {
    let start = offset
    while let byte = peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { offset += 1 }
    guard offset > start else { throw error("a digit was expected") }
  }
}

/// The names of an object so far. They are compared by their bytes, as RFC 8259 section 8.3 has it: two spellings of
/// one look are two names.
private struct SeenNames {
  /// Up to here a look at each is faster than a table; past it, it would take for ever.
  private static let few = 16

  private var table: Set<[UInt8]> = []

  /// Adds a name to those of `members`; false where it is there already.
  mutating func insert(_ name: String, to members: [JSONValue.Member]) -> Bool {
    if members.count < Self.few { return !members.contains { $0.name.utf8.elementsEqual(name.utf8) } }
    if table.isEmpty { table = Set(members.map { Array($0.name.utf8) }) }
    return table.insert(Array(name.utf8)).inserted
  }
}

// MARK: - Strings

extension JSONReader {
  private mutating func readString() throws(JSONError) -> String {
    try readString { String(copying: $0) }
  }

  /// A text without escapes, the usual one, is validated and copied in one go.
  mutating func readString<Text>(_ copy: (borrowing UTF8Span) -> Text) throws(JSONError) -> Text {
    offset += 1
    let start = offset
    offset = endOfPlainText(from: start)
    switch peek() {
    case UInt8(ascii: "\""):
      defer { offset += 1 }
      return try text(of: bytes.extracting(start..<offset).span, at: start, copy)
    case UInt8(ascii: "\\"): return try readEscapedString(from: start, copy)
    case nil: throw error("the text ends within a string")
    default: throw error("a control character must be escaped")
    }
  }

  /// Where a quotation mark, an escape, a control character or the text's end is next.
  func endOfPlainText(from start: Int) -> Int {
    var end = start
    while end < bytes.count {
      let byte = bytes[end]
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 { break }
      end += 1
    }
    return end
  }

  private mutating func readEscapedString<Text>(
    from start: Int, _ copy: (borrowing UTF8Span) -> Text
  ) throws(JSONError) -> Text {
    var resolved = Array(bytes[start..<offset])
    while let byte = peek() {
      switch byte {
      case UInt8(ascii: "\""):
        offset += 1
        return try text(of: resolved.span, at: start, copy)
      case UInt8(ascii: "\\"): resolved.append(contentsOf: Array(String(try readEscape()).utf8))
      case 0..<0x20: throw error("a control character must be escaped")
      default:
        resolved.append(byte)
        offset += 1
      }
    }
    throw error("the text ends within a string")
  }

  private func text<Text>(
    of bytes: Span<UInt8>, at start: Int, _ copy: (borrowing UTF8Span) -> Text
  ) throws(JSONError) -> Text {
    guard let text = try? UTF8Span(validating: bytes) else {
      throw JSONError(offset: start, reason: "the string is not valid UTF-8", isWellFormed: true)
    }
    return copy(text)
  }

  private mutating func readEscape() throws(JSONError) -> Unicode.Scalar {
    let start = offset
    offset += 1
    defer { offset += 1 }
    switch peek() {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{08}"
    case UInt8(ascii: "f"): return "\u{0C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try readUnicodeEscape(from: start)
    default: throw JSONError(offset: start, reason: "an unknown escape")
    }
  }

  /// Leaves ``offset`` on the escape's last digit.
  private mutating func readUnicodeEscape(from start: Int) throws(JSONError) -> Unicode.Scalar {
    let unit = try readHexadecimalUnit()
    if let scalar = Unicode.Scalar(unit) { return scalar }
    guard UTF16.isLeadSurrogate(unit), skipPastLowSurrogateMark() else {
      throw JSONError(offset: start, reason: "a lone surrogate", isWellFormed: true)
    }
    let low = try readHexadecimalUnit()
    guard UTF16.isTrailSurrogate(low) else {
      throw JSONError(offset: start, reason: "a lone surrogate", isWellFormed: true)
    }
    let value = 0x10000 + (UInt32(unit) - 0xD800) << 10 + (UInt32(low) - 0xDC00)
    return Unicode.Scalar(value)!  // Two surrogates always make a scalar (Unicode 3.9, D91).
  }

  private mutating func skipPastLowSurrogateMark() -> Bool {
    guard offset + 2 < bytes.count, bytes[offset + 1] == UInt8(ascii: "\\"), bytes[offset + 2] == UInt8(ascii: "u")
    else { return false }
    offset += 2
    return true
  }

  private mutating func readHexadecimalUnit() throws(JSONError) -> UInt16 {
    var unit: UInt16 = 0
    for _ in 0..<4 {
      offset += 1
      guard let digit = peek().flatMap(hexadecimalDigit) else {
        throw error("four hexadecimal digits were expected")
      }
      unit = unit << 4 | UInt16(digit)
    }
    return unit
  }
}

// MARK: - Bytes

extension JSONReader {
  func peek() -> UInt8? {
    offset < bytes.count ? bytes[offset] : nil
  }

  mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard peek() == UInt8(ascii: character) else { return false }
    offset += 1
    return true
  }

  mutating func skipWhiteSpace() {
    while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { offset += 1 }
  }

  func error(_ reason: String) -> JSONError {
    JSONError(offset: offset, reason: reason)
  }
}
