// What bytes are as ASCII, for texts that are looked at as bytes.

extension UInt8 {
  /// The same letter in lower case, another byte as it is.
  @inlinable public var asciiLowercased: UInt8 { self &- UInt8(ascii: "A") < 26 ? self | 0x20 : self }

  /// 0 to 9.
  @inlinable public var isASCIIDigit: Bool { self &- UInt8(ascii: "0") < 10 }

  /// A to Z and a to z.
  @inlinable public var isASCIILetter: Bool { (self | 0x20) &- UInt8(ascii: "a") < 26 }

  /// A byte of names that need no escape in URLs, metrics and lines: letters, digits, dots, dashes and underscores.
  /// Host names have no other (RFC 1123 section 2.1), the underscore in practice alone.
  @inlinable public var isNameByte: Bool {
    isASCIILetter || isASCIIDigit || self == UInt8(ascii: ".") || self == UInt8(ascii: "-")
      || self == UInt8(ascii: "_")
  }
}

extension FixedWidthInteger {
  /// Reads decimal digits and nothing else: the initialisers of integers take a sign. nil where there are none, or too
  /// many.
  @inlinable
  public init?(digits: some StringProtocol) {
    guard !digits.utf8.isEmpty else { return nil }
    var value: Self = 0
    for byte in digits.utf8 {
      guard byte.isASCIIDigit else { return nil }
      let (shifted, isTooLong) = value.multipliedReportingOverflow(by: 10)
      let (sum, isTooLarge) = shifted.addingReportingOverflow(Self(truncatingIfNeeded: byte & 0x0F))
      if isTooLong || isTooLarge { return nil }
      value = sum
    }
    self = value
  }
}
