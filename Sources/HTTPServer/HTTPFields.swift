import Basics

/// Header fields in the order in which they came; names are the same in any case (RFC 9110 section 5.1).
public struct HTTPFields: Sendable, Sequence {
  /// One field.
  public struct Field: Hashable, Sendable {
    /// The name as it was written.
    public var name: String
    /// The value, without white space around it.
    public var value: String

    /// Whether the field has this name, in any case.
    public func isNamed(_ name: String) -> Bool { HTTPFields.isSame(self.name, name) }
  }

  private var fields: [Field] = []

  /// No fields.
  public init() {}

  /// How many there are.
  public var count: Int { fields.count }

  /// Makes room for `count` fields.
  mutating func reserveCapacity(_ count: Int) {
    fields.reserveCapacity(count)
  }

  /// Adds a field after those that are there.
  public mutating func append(_ name: String, _ value: String) {
    fields.append(Field(name: name, value: value))
  }

  /// The value of the first field with this name.
  public subscript(name: String) -> String? {
    fields.first { Self.isSame($0.name, name) }?.value
  }

  /// The values of all fields with this name.
  public func values(_ name: String) -> [String] {
    fields.filter { Self.isSame($0.name, name) }.map(\.value)
  }

  /// Whether a field that is a list of tokens holds one, in any case (RFC 9110 section 5.6.1).
  func has(_ token: String, in name: String) -> Bool {
    fields.contains { field in
      Self.isSame(field.name, name)
        && field.value.utf8.split(separator: UInt8(ascii: ",")).contains { element in
          let text = element.drop(while: Self.isBlank)
          let end = text.lastIndex { !Self.isBlank($0) }
          return end.map { Self.isSame(String(Substring(text[...$0])), token) } ?? false
        }
    }
  }

  /// The same without white space behind the values, which libmicrohttpd leaves there (RFC 9110 section 5.5). Only for
  /// what has passed the ``HeaderGuard``, which must see what libmicrohttpd acts on.
  func trimmed() -> HTTPFields {
    guard fields.contains(where: { Self.endsBlank($0.value) }) else { return self }
    var trimmed = self
    for index in trimmed.fields.indices {
      while Self.endsBlank(trimmed.fields[index].value) { trimmed.fields[index].value.removeLast() }
    }
    return trimmed
  }

  private static func endsBlank(_ value: String) -> Bool {
    value.utf8.last.map(isBlank) ?? false
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
  }

  public func makeIterator() -> IndexingIterator<[Field]> {
    fields.makeIterator()
  }

  /// Compares two names without regard to the case of ASCII letters, and without making strings; most names are of
  /// different lengths or written alike.
  static func isSame(_ left: String, _ right: String) -> Bool {
    guard left.utf8.count == right.utf8.count else { return false }
    return left == right || zip(left.utf8, right.utf8).allSatisfy { $0.asciiLowercased == $1.asciiLowercased }
  }
}

extension HTTPFields: ExpressibleByDictionaryLiteral {
  public init(dictionaryLiteral elements: (String, String)...) {
    // With room for what an answer adds to the usual ones.
    fields.reserveCapacity(elements.count + 3)
    for (name, value) in elements { append(name, value) }
  }
}
