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

  /// Fields that many answers begin with, made once. A server keeps answers with the same ones ready.
  public final class Common: Sendable {
    let fields: [Field]

    /// These fields, for as many answers as will have them.
    public init(_ fields: HTTPFields) {
      self.fields = fields.all
    }
  }

  /// What comes before the others.
  let common: Common?
  /// Those that are not common.
  private(set) var own: [Field] = []

  /// No fields.
  public init() {
    common = nil
  }

  /// These, and what is added.
  public init(beginningWith common: Common) {
    self.common = common
  }

  private var all: [Field] { common.map { $0.fields + own } ?? own }

  /// How many there are.
  public var count: Int { own.count + (common?.fields.count ?? 0) }

  /// Makes room for `count` fields.
  mutating func reserveCapacity(_ count: Int) {
    own.reserveCapacity(count)
  }

  /// Adds a field after those that are there.
  public mutating func append(_ name: String, _ value: String) {
    own.append(Field(name: name, value: value))
  }

  /// The value of the first field with this name.
  public subscript(name: String) -> String? {
    if let common, let value = Self.first(name, of: common.fields) { return value }
    return Self.first(name, of: own)
  }

  /// By place: each field that is looked at by itself is kept and let go for it.
  private static func first(_ name: String, of fields: [Field]) -> String? {
    for index in fields.indices where isSame(fields[index].name, name) { return fields[index].value }
    return nil
  }

  /// The values of all fields with this name.
  public func values(_ name: String) -> [String] {
    all.filter { Self.isSame($0.name, name) }.map(\.value)
  }

  /// Whether a field that is a list of tokens holds one, in any case (RFC 9110 section 5.6.1).
  func has(_ token: String, in name: String) -> Bool {
    all.contains { field in
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
    var trimmed = self
    for index in trimmed.own.indices {
      while Self.endsBlank(trimmed.own[index].value) { trimmed.own[index].value.removeLast() }
    }
    return trimmed
  }

  private static func endsBlank(_ value: String) -> Bool {
    value.utf8.last.map(isBlank) ?? false
  }

  static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
  }

  public func makeIterator() -> IndexingIterator<[Field]> {
    all.makeIterator()
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
    self.init()
    // With room for what an answer adds to the usual ones.
    own.reserveCapacity(elements.count + 3)
    for (name, value) in elements { append(name, value) }
  }
}
