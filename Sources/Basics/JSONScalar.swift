/// A value of a JSON text that has no parts and is not null.
public enum JSONScalar: Equatable, Sendable {
  /// A text, its escapes resolved, in UTF-8.
  case text([UInt8])
  /// A number; every integer up to 2⁵³ is exact.
  case number(Double)
  /// `true` or `false`.
  case bool(Bool)
}

extension JSONScalar {
  /// A value of a tree; nil for null and for one that has parts.
  public init?(_ value: JSONValue) {
    switch value {
    case .string(let text): self = .text(Array(text.utf8))
    case .number(let number): self = .number(number)
    case .bool(let flag): self = .bool(flag)
    case .null, .array, .object: return nil
    }
  }
}

/// Reads an object of scalars off its text, member by member: a tree of them would be made to be taken apart at once.
///
/// It says only whether that is what the text is. Any other, ``JSONValue/init(parsing:)`` reads or says what is wrong
/// with it; so a name with an escape is left to that, too.
///
/// - Parameter member: takes a member by its name's bytes, or does not: then nothing more is read. It sees to it that
///   no name is there twice.
/// - Returns: whether the whole text was read and every member taken.
public func readScalars(
  of bytes: [UInt8], _ member: (_ name: Span<UInt8>, _ value: consuming JSONScalar) -> Bool
) -> Bool {
  bytes.withUnsafeBufferPointer { buffer in
    var reader = JSONReader(bytes: buffer)
    return (try? reader.readScalars(member)) != nil
  }
}

extension JSONReader {
  fileprivate mutating func readScalars(_ member: (Span<UInt8>, consuming JSONScalar) -> Bool) throws(JSONError) {
    skipWhiteSpace()
    guard peek() == UInt8(ascii: "{") else { throw error("an object was expected") }
    try readMembers { (reader) throws(JSONError) in
      let name = try reader.readPlainName()
      try reader.readColon()
      guard member(name.span, try reader.readScalar()) else { throw reader.error("the member was not taken") }
    }
    try readEnd()
  }

  private mutating func readPlainName() throws(JSONError) -> UnsafeBufferPointer<UInt8> {
    let start = offset + 1
    offset = endOfPlainText(from: start)
    guard skip("\"") else { throw error("a name without escapes was expected") }
    return bytes.extracting(start..<offset - 1)
  }

  private mutating func readScalar() throws(JSONError) -> JSONScalar {
    skipWhiteSpace()
    guard let first = peek() else { throw error("the text ends where a value was expected") }
    switch first {
    case UInt8(ascii: "\""): return .text(try readString { Array($0.span) })
    case UInt8(ascii: "t"): return .bool(try readLiteral("true", true))
    case UInt8(ascii: "f"): return .bool(try readLiteral("false", false))
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try readNumber())
    default: throw error("a scalar was expected")
    }
  }
}
