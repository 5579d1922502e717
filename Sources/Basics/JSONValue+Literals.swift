// JSON as literals, for texts that are put together once.

extension JSONValue: ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  /// A text.
  public init(stringLiteral value: String) {
    self = .string(value)
  }

  /// A whole number.
  public init(integerLiteral value: Int) {
    self = .number(Double(value))
  }

  /// A number.
  public init(floatLiteral value: Double) {
    self = .number(value)
  }

  /// A boolean.
  public init(booleanLiteral value: Bool) {
    self = .bool(value)
  }

  /// A list.
  public init(arrayLiteral elements: JSONValue...) {
    self = .array(elements)
  }

  /// An object; its members keep their order, and their names differ.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self.init(members: elements)
  }

  /// An object of members whose names differ.
  public init(members: some Sequence<(String, JSONValue)>) {
    self = .object(members.map { Member(name: $0.0, value: $0.1) })
  }

  /// An object with the members of a second one behind its own.
  ///
  /// - Precondition: both are objects.
  public static func + (left: JSONValue, right: JSONValue) -> JSONValue {
    guard case .object(let first) = left, case .object(let second) = right else {
      preconditionFailure("only objects have members")
    }
    return .object(first + second)
  }

  /// The member of an object by its name; nil where there is none.
  public subscript(name: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name == name }?.value
  }
}

extension JSONWriter {
  /// A value as an element, or as the whole text.
  public mutating func value(_ value: JSONValue) {
    switch value {
    case .null: null()
    case .bool(let flag): element(flag)
    case .number(let number): element(number)
    case .string(let text): element(text)
    case .array(let elements): array { json in for element in elements { json.value(element) } }
    case .object(let members):
      object { json in
        for member in members { json.member(escaping: member.name) { $0.value(member.value) } }
      }
    }
  }
}
