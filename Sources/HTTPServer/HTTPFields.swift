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

    init(_ entry: PackedFields.Entry) {
      name = String(decoding: entry.name, as: UTF8.self)
      value = entry.text
    }
  }

  /// Fields that many answers begin with, made once. A server keeps answers with the same ones ready.
  public final class Common: Sendable {
    let fields: HTTPFields

    /// These fields, for as many answers as will have them.
    public init(_ fields: HTTPFields) {
      var all = HTTPFields()
      for field in fields { all.append(field.name, field.value) }
      self.fields = all
    }
  }

  /// What comes before the others.
  let common: Common?
  /// Those that are not common.
  private(set) var own: PackedFields

  /// No fields.
  public init() {
    self.init(PackedFields())
  }

  init(_ fields: PackedFields) {
    common = nil
    own = fields
  }

  /// These, and what is added.
  public init(beginningWith common: Common) {
    self.common = common
    own = PackedFields()
  }

  /// How many there are.
  public var count: Int { own.count + (common?.fields.count ?? 0) }

  /// Adds a field after those that are there.
  public mutating func append(_ name: String, _ value: String) {
    var name = name
    var value = value
    name.withUTF8 { name in
      value.withUTF8 { value in
        own.append(.init(name: UnsafeRawBufferPointer(name), value: UnsafeRawBufferPointer(value)))
      }
    }
  }

  /// Lends the fields where they stand, one after the other, until `body` has something to say of one.
  @inline(__always)
  func first<Result>(_ body: (PackedFields.Entry) -> Result?) -> Result? {
    if let common, let result = common.fields.own.withEntries({ $0.first(body) }) { return result }
    return own.withEntries { $0.first(body) }
  }

  public func makeIterator() -> IndexingIterator<[Field]> {
    var all: [Field] = []
    all.reserveCapacity(count)
    forEachEntry { all.append(Field($0)) }
    return all.makeIterator()
  }

  @inline(__always)
  private func forEachEntry(_ body: (PackedFields.Entry) -> Void) {
    let _: Never? = first { entry in
      body(entry)
      return nil
    }
  }
}

// MARK: - Looking up

extension HTTPFields {
  /// The value of the first field with this name.
  public subscript(name: String) -> String? {
    guard common != nil || own.mayHaveName(of: name.utf8.count) else { return nil }
    var name = name
    return name.withUTF8 { name in
      first { Self.isSame($0.name, UnsafeRawBufferPointer(name)) ? $0.text : nil }
    }
  }

  /// Whether there is a field with this name.
  public func contains(_ name: StaticString) -> Bool {
    withValue(of: name) { _ in true } ?? false
  }

  /// Lends the bytes of the first value with this name, of which no text is made; nil where there is none.
  @inline(__always)
  public func withValue<Result>(of name: StaticString, _ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
    guard mayHave(name) else { return nil }
    return first { $0.isNamed(name) ? body($0.value) : nil }
  }

  @inline(__always)
  private func mayHave(_ name: StaticString) -> Bool {
    common != nil || own.mayHaveName(of: name.utf8CodeUnitCount)
  }

  /// The values of all fields with this name.
  public func values(_ name: String) -> [String] {
    filter { Self.isSame($0.name, name) }.map(\.value)
  }

  /// What fields of a name come to of which there should be one.
  public enum Occurrence: Hashable, Sendable {
    /// There is none.
    case missing
    /// There is this one.
    case one(String)
    /// There are more.
    case several
  }

  /// How often a name is there, with the value where it is there once.
  public func occurrence(of name: StaticString) -> Occurrence {
    var found = Occurrence.missing
    guard mayHave(name) else { return found }
    forEachEntry { entry in
      if entry.isNamed(name) { found = found == .missing ? .one(entry.text) : .several }
    }
    return found
  }

  /// Whether a field that is a list of tokens holds one, which is in lower case, in any case (RFC 9110 section 5.6.1).
  func has(_ token: StaticString, in name: StaticString) -> Bool {
    guard mayHave(name) else { return false }
    return first { $0.isNamed(name) && Self.lists($0.value, token) ? true : nil } ?? false
  }

  private static func lists(_ value: UnsafeRawBufferPointer, _ token: StaticString) -> Bool {
    value.split(separator: UInt8(ascii: ",")).contains { element in
      let text = trimmed(UnsafeRawBufferPointer(rebasing: element.drop(while: isBlank)))
      return token.withUTF8Buffer { isSame(text, UnsafeRawBufferPointer($0)) }
    }
  }

  /// The same without white space behind the values, which libmicrohttpd leaves there (RFC 9110 section 5.5). Only for
  /// what has passed the ``HeaderGuard``, which must see what libmicrohttpd acts on.
  func trimmed() -> HTTPFields {
    HTTPFields(
      own.withEntries { entries in
        entries.map { entry in PackedFields.Entry(name: entry.name, value: Self.trimmed(entry.value)) }
          .withUnsafeBufferPointer { PackedFields($0) }
      })
  }

  private static func trimmed(_ text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: text[..<(text.lastIndex { !isBlank($0) }.map { $0 + 1 } ?? text.startIndex)])
  }

  static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
  }

  /// Compares two names without regard to the case of ASCII letters.
  @inline(__always)
  static func isSame(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    guard left.count == right.count else { return false }
    return left.indices.allSatisfy { left[$0] == right[$0] || left[$0].asciiLowercased == right[$0].asciiLowercased }
  }

  /// The same of texts.
  static func isSame(_ left: String, _ right: String) -> Bool {
    left.utf8.count == right.utf8.count
      && zip(left.utf8, right.utf8).allSatisfy { $0.asciiLowercased == $1.asciiLowercased }
  }
}

extension HTTPFields: ExpressibleByDictionaryLiteral {
  public init(dictionaryLiteral elements: (String, String)...) {
    self.init()
    for (name, value) in elements { append(name, value) }
  }
}
