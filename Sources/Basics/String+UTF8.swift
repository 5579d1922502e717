extension String {
  /// The text that bytes are in UTF-8; nil where they are none.
  ///
  /// `String(validating:as:)` says the same of any collection and any encoding, at several times the price: the
  /// standard library has no version of it for bytes in memory.
  public init?(utf8 bytes: Span<UInt8>) {
    guard let text = try? UTF8Span(validating: bytes) else { return nil }
    self.init(copying: text)
  }

  /// The same, of an array.
  public init?(utf8 bytes: [UInt8]) {
    self.init(utf8: bytes.span)
  }
}
