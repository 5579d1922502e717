extension Nanoseconds {
  /// The span in milliseconds as decimal text with microsecond resolution, rounded to the nearest: `0.084`, `12.0`.
  public var milliseconds: String { decimal(thousandths: thousandths) }

  /// How many bytes ``writeMilliseconds(to:)`` writes at most.
  public static let longestMilliseconds = longestDecimal

  /// Writes the same, and says how many bytes that were: it stands in every answer twice.
  public func writeMilliseconds(to text: UnsafeMutablePointer<UInt8>) -> Int {
    writeDecimal(thousandths: thousandths, to: text)
  }

  /// Of a millisecond.
  private var thousandths: Int64 { (count + (count < 0 ? -500 : 500)) / 1000 }
}

/// A number of thousandths as decimal text without superfluous zeros: `0.084`, `12.0`.
public func decimal(thousandths: Int64) -> String {
  withUnsafeTemporaryAllocation(of: UInt8.self, capacity: longestDecimal) { text in
    let count = writeDecimal(thousandths: thousandths, to: text.baseAddress!)
    return String(decoding: text[..<count], as: UTF8.self)
  }
}

/// A sign, 19 digits and a point.
private let longestDecimal = 21

/// By hand, since interpolation costs allocations.
private func writeDecimal(thousandths: Int64, to text: UnsafeMutablePointer<UInt8>) -> Int {
  let (whole, rest) = thousandths.magnitude.quotientAndRemainder(dividingBy: 1000)
  var end = text
  if thousandths < 0 { append("-") }
  end += writeDigits(of: whole, to: end)
  append(".")
  // Zeros at the end say nothing, but one behind the point stays.
  let digits = (rest / 100, rest / 10 % 10, rest % 10)
  appendDigit(digits.0)
  if digits.1 != 0 || digits.2 != 0 { appendDigit(digits.1) }
  if digits.2 != 0 { appendDigit(digits.2) }
  return end - text

  func append(_ character: Unicode.Scalar) {
    end.pointee = UInt8(ascii: character)
    end += 1
  }

  func appendDigit(_ digit: UInt64) {
    end.pointee = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
    end += 1
  }
}

/// Writes an integer's digits, 20 at most, and says how many they are.
func writeDigits(of integer: UInt64, to text: UnsafeMutablePointer<UInt8>) -> Int {
  var count = 1
  var bound: UInt64 = 10
  while count < 20, integer >= bound {
    count += 1
    bound &*= 10
  }
  var rest = integer
  // The last one is known first.
  for place in stride(from: count - 1, through: 0, by: -1) {
    text[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
    rest /= 10
  }
  return count
}
