import Basics

extension JSONValue.Member {
  /// The member as a whole number of a range.
  func integer(in range: ClosedRange<Int>) throws(Problem) -> Int {
    guard case .number(let number) = value, let integer = Int(exactly: number), range.contains(integer) else {
      throw Problem(notInteger: name, in: range)
    }
    return integer
  }

  /// The member as a text.
  func text() throws(Problem) -> String {
    guard case .string(let text) = value else { throw Problem(.invalidRequest, "'\(name)' must be a text") }
    return text
  }
}

extension Problem {
  /// A member or field that is no whole number, or out of its range.
  convenience init(notInteger name: String, in range: ClosedRange<Int>, or other: String = "") {
    self.init(
      .invalidRequest, "'\(name)' must be \(other)a whole number from \(range.lowerBound) to \(range.upperBound)",
      [.number("limit", range.upperBound)])
  }
}
