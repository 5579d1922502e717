import Glibc

extension Span<UInt8> {
  /// Whether these are a literal's bytes: so names are told apart by a `switch`, without a text made of them.
  public static func ~= (literal: StaticString, bytes: Span) -> Bool {
    bytes.isSame(as: UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount).span)
  }

  /// Whether these are the same bytes.
  public func isSame(as other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    return withUnsafeBytes { left in
      other.withUnsafeBytes { right in left.isEmpty || memcmp(left.baseAddress!, right.baseAddress!, left.count) == 0 }
    }
  }
}

extension [UInt8] {
  /// A copy of bytes that are lent.
  public init(_ bytes: Span<UInt8>) {
    self = bytes.withUnsafeBufferPointer { Array($0) }
  }
}
