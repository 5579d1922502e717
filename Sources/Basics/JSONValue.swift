/// A JSON text (RFC 8259) as read by ``JSONValue/init(parsing:)``.
///
/// Ours because of what the API promises and libraries do not do: a doubled member is an error, as are lone
/// surrogates and nesting past a bound.
public enum JSONValue: Sendable, Equatable {
  /// `null`.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// A number; every integer up to 2⁵³ is exact.
  case number(Double)
  /// A text, its escapes resolved.
  case string(String)
  /// A list.
  case array([JSONValue])
  /// Members in the order of the text; no name is there twice.
  case object([Member])

  /// One member of an object.
  public struct Member: Sendable, Equatable {
    /// The member's name, its escapes resolved.
    public var name: String
    /// Its value.
    public var value: JSONValue
  }

  /// What a person calls the value's type.
  public var typeName: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .number: "a number"
    case .string: "a text"
    case .array: "a list"
    case .object: "an object"
    }
  }
}

/// Why a text is no JSON, and where.
public struct JSONError: Error, Equatable, CustomStringConvertible {
  /// Bytes from the start of the text.
  public var offset: Int
  /// What is wrong there, as a phrase.
  public var reason: String
  /// Up to there the text has JSON's grammar, and is refused for what it says: a doubled member, a lone surrogate,
  /// bytes that are no UTF-8, too deep a nesting.
  public var isWellFormed = false

  public var description: String { "\(reason) at byte \(offset)" }
}
