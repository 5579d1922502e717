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
    self.init(digits: digits.utf8)
  }

  /// The same of their bytes.
  @inlinable
  public init?(digits: some Collection<UInt8>) {
    guard !digits.isEmpty else { return nil }
    var value: Self = 0
    for byte in digits {
      guard byte.isASCIIDigit else { return nil }
      let (shifted, isTooLong) = value.multipliedReportingOverflow(by: 10)
      let (sum, isTooLarge) = shifted.addingReportingOverflow(Self(truncatingIfNeeded: byte & 0x0F))
      if isTooLong || isTooLarge { return nil }
      value = sum
    }
    self = value
  }
}

extension UnsafeRawBufferPointer {
  /// Whether all bytes are printable ASCII, the space included; eight at a time.
  @inlinable public var isPrintableASCII: Bool {
    var others: UInt64 = 0
    var offset = 0
    while offset + 8 <= count {
      others |= Self.highBitsOfOthers(loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      offset += 8
    }
    while offset < count {
      others |= Self.highBitsOfOthers(0x2020_2020_2020_2000 | UInt64(self[offset]))
      offset += 1
    }
    return others == 0
  }

  /// A high bit is set if and only if some byte is no printable ASCII: one below 0x20 borrows, 0x7F becomes 0x80, and
  /// beyond that it is set already.
  @inlinable static func highBitsOfOthers(_ bytes: UInt64) -> UInt64 {
    ((bytes &- 0x2020_2020_2020_2020) | (bytes &+ 0x0101_0101_0101_0101) | bytes) & 0x8080_8080_8080_8080
  }
}
