/// What a connection's first bytes say of its first request, before libmicrohttpd has them.
///
/// Before 1.0 it skips any number of lines that are blank or begin with NUL, does not tell how many, and closes without
/// a word on a request line that has no space.
enum Opening: Equatable {
  /// A request line begins behind so many bytes: none, or the two of one blank line (RFC 9112 section 2.2); nil where
  /// they are sealed.
  case request(behind: UInt?)
  /// Too little has come to tell.
  case incomplete
  /// No request line begins so.
  case refused

  /// How many bytes are looked at. A method that is no longer is waited for, with the space behind it.
  static let size = MemoryLayout<SIMD32<UInt8>>.size

  /// Judges what has come so far, at least a byte of it.
  init(_ bytes: UnsafeRawBufferPointer) {
    let start = bytes[0] == UInt8(ascii: "\r") ? 2 : 0
    guard start == 0 || bytes.count == 1 || bytes[1] == UInt8(ascii: "\n") else {
      self = .refused
      return
    }
    let line = bytes.dropFirst(start)
    guard let end = line.firstIndex(where: { !HeaderGuard.isTokenByte($0) }) else {
      self = bytes.count < Self.size ? .incomplete : .request(behind: UInt(start))
      return
    }
    self = end > start && bytes[end] == UInt8(ascii: " ") ? .request(behind: UInt(start)) : .refused
  }
}
