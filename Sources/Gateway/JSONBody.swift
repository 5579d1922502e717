import Basics

/// The members of a body that must be a JSON object, whatever its type says; an empty body has none.
///
/// - Parameter example: such an object, to be shown to whoever sent something else.
func jsonMembers(of body: [UInt8], example: String) throws(Problem) -> [JSONValue.Member] {
  if body.isEmpty { return [] }
  let value: JSONValue
  do throws(JSONError) { value = try JSONValue(parsing: body) } catch {
    throw Problem(.invalidRequest, "the body is no JSON that can be used: \(error); for example \(example)")
  }
  guard case .object(let members) = value else {
    throw Problem(.invalidRequest, "the body must be a JSON object such as \(example), not \(value.typeName)")
  }
  return members
}

extension Problem {
  /// A member, field or parameter that does not exist; those that do are named, so that a typo is never silent.
  convenience init(unknown name: String, _ kind: String, known names: [String]) {
    let known = (names.count == 1 ? "known is " : "known are ") + names.joined(separator: ", ")
    self.init(.invalidRequest, "the \(kind) '\(escapedLine(name))' is not known; \(known)")
  }
}
