extension Nanoseconds {
  /// The span in milliseconds as decimal text with microsecond resolution, rounded to the nearest: `0.084`, `12.0`.
  public var milliseconds: String {
    decimal(thousandths: (count + (count < 0 ? -500 : 500)) / 1000)
  }
}

/// A number of thousandths as decimal text without superfluous zeros: `0.084`, `12.0`.
public func decimal(thousandths: Int64) -> String {
  // Digits by hand, from the last to the first: this is in every answer, and interpolation would cost allocations. A
  // sign, 19 digits and a point at most.
  withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 21) { text in
    var start = text.count
    var rest = thousandths.magnitude
    var place = 0
    repeat {
      let digit = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
      // Zeros at the end say nothing, but one behind the point stays.
      if place >= 2 || digit != UInt8(ascii: "0") || start != text.count { prepend(digit) }
      place += 1
      if place == 3 { prepend(UInt8(ascii: ".")) }
    } while rest > 0 || place < 4
    if thousandths < 0 { prepend(UInt8(ascii: "-")) }
    return String(decoding: text[start...], as: UTF8.self)

    func prepend(_ byte: UInt8) {
      start -= 1
      text[start] = byte
    }
  }
}
