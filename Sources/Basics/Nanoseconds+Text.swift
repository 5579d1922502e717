extension Nanoseconds {
  /// The span in milliseconds as decimal text with microsecond resolution, rounded to the nearest: `0.084`, `12.0`.
  public var milliseconds: String {
    decimal(thousandths: (count + (count < 0 ? -500 : 500)) / 1000)
  }
}

/// A number of thousandths as decimal text without superfluous zeros: `0.084`, `12.0`.
public func decimal(thousandths: Int64) -> String {
  let fraction = thousandths.magnitude % 1000
  // Digits by hand: this is in every answer, and each number's own text would cost an allocation.
  var text = thousandths < 0 ? "-" : ""
  text += String(thousandths.magnitude / 1000)
  text += "."
  text.unicodeScalars.append(digit(fraction / 100))
  if fraction % 100 != 0 { text.unicodeScalars.append(digit(fraction / 10 % 10)) }
  if fraction % 10 != 0 { text.unicodeScalars.append(digit(fraction % 10)) }
  return text
}

private func digit(_ value: UInt64) -> Unicode.Scalar {
  Unicode.Scalar(UInt8(ascii: "0") + UInt8(value))
}
