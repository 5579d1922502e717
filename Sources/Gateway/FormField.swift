import Basics
import HTTPServer

/// One field of a form or parameter of a query (URL Standard, application/x-www-form-urlencoded), decoded.
struct FormField {
  /// nil where an escape is broken, or what it stands for is no UTF-8.
  let name: String?
  /// nil likewise.
  let value: String?
  /// There is an equals sign.
  let hasValue: Bool

  private init(_ bytes: some Collection<UInt8>) {
    let parts = bytes.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
    name = parts.first.flatMap { Self.text($0) }
    hasValue = parts.count > 1
    value = hasValue ? Self.text(parts[1]) : ""
  }

  private static func text(_ bytes: some Collection<UInt8>) -> String? {
    percentDecoded(bytes, plusIsSpace: true).flatMap { String(validating: $0, as: UTF8.self) }
  }

  /// All fields of a form's body, or parameters of a query.
  static func all(in bytes: some Collection<UInt8>) -> [FormField] {
    bytes.split(separator: UInt8(ascii: "&")).map { FormField($0) }
  }

  /// Names and values, in their order.
  ///
  /// - Parameter kind: what the client calls them, such as "query parameter".
  /// - Throws: `invalid-request` for one that cannot be decoded, or is there twice.
  static func pairs(_ fields: [FormField], _ kind: String) throws(Problem) -> [(name: String, value: String)] {
    var pairs: [(name: String, value: String)] = []
    var seen: Set<String> = []
    for field in fields {
      guard let name = field.name, let value = field.value else {
        throw Problem(.invalidRequest, "a \(kind) holds a broken escape, or bytes that are no UTF-8; send bytes as hex")
      }
      guard seen.insert(name).inserted else {
        throw Problem(.invalidRequest, "the \(kind) '\(escapedLine(name))' is there twice")
      }
      pairs.append((name, value))
    }
    return pairs
  }
}
