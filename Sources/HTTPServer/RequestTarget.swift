import Basics

/// A request target in origin form (RFC 9112 section 3.2.1): path and query.
struct RequestTarget {
  /// The path, its escapes resolved.
  var path: String
  /// What follows the question mark, as it came.
  var query: String?

  /// Reads a target; nil where an escape is broken, or one of the path stands for NUL or a slash or resolves to no
  /// UTF-8: nobody means those, and two readers could take them for different paths.
  init?(_ target: String) {
    // Over its memory, which is several times faster than over its view; most have neither.
    var text = target
    let isPlain = text.withUTF8 { bytes in !bytes.contains { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "%") } }
    if isPlain {
      path = target
      return
    }
    let mark = target.utf8.firstIndex(of: UInt8(ascii: "?"))
    let encoded = mark.map { target[..<$0] } ?? target[...]
    query = mark.map { String(target[target.utf8.index(after: $0)...]) }
    if let query, query.utf8.contains(UInt8(ascii: "%")), percentDecoded(query.utf8) == nil { return nil }
    guard encoded.utf8.contains(UInt8(ascii: "%")) else {
      path = mark == nil ? target : String(encoded)
      return
    }
    guard let bytes = percentDecoded(encoded.utf8), !bytes.contains(0),
      Self.slashes(bytes) == Self.slashes(encoded.utf8), let decoded = String(validating: bytes, as: UTF8.self)
    else { return nil }
    path = decoded
  }

  private static func slashes(_ bytes: some Sequence<UInt8>) -> Int {
    bytes.count { $0 == UInt8(ascii: "/") }
  }
}

/// The bytes that percent-encoded text stands for (RFC 3986 section 2.1); nil where an escape is broken.
///
/// - Parameter plusIsSpace: as in HTML forms (URL Standard, application/x-www-form-urlencoded).
public func percentDecoded(_ text: some Collection<UInt8>, plusIsSpace: Bool = false) -> [UInt8]? {
  var bytes: [UInt8] = []
  bytes.reserveCapacity(text.count)
  var rest = text.makeIterator()
  while let byte = rest.next() {
    switch byte {
    case UInt8(ascii: "%"):
      guard let high = rest.next().flatMap(hexadecimalDigit), let low = rest.next().flatMap(hexadecimalDigit)
      else { return nil }
      bytes.append(high << 4 | low)
    case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
    default: bytes.append(byte)
    }
  }
  return bytes
}
