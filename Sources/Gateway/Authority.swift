import Basics
import Sockets

/// A host and a port as a `Host` header or an origin names them (RFC 9110 section 7.2, RFC 6454): where they stand in
/// bytes that are looked at and not copied, since every request has one.
struct Authority {
  /// The host as it was written, brackets included.
  let host: Slice<UnsafeBufferPointer<UInt8>>
  /// The port; nil where none is given.
  let port: Int?

  /// Reads `HOST[:PORT]`; nil where that is not what it is.
  init?(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) {
    let isBracketed = bytes.first == UInt8(ascii: "[")
    let end = isBracketed ? bytes.firstIndex(of: UInt8(ascii: "]")).map { $0 + 1 } : bytes.firstIndex(of: Self.colon)
    guard end != nil || !isBracketed else { return nil }
    host = bytes[..<(end ?? bytes.endIndex)]
    let rest = bytes[(end ?? bytes.endIndex)...]
    guard !host.isEmpty, rest.isEmpty || rest.first == Self.colon else { return nil }
    // A colon without digits says as little as none (RFC 3986 section 3.2.3).
    guard rest.count > 1 else {
      port = nil
      return
    }
    var number = 0
    for byte in rest.dropFirst() {
      guard byte.isASCIIDigit, number <= 65_535 else { return nil }
      number = number * 10 + Int(byte - UInt8(ascii: "0"))
    }
    guard number <= 65_535 else { return nil }
    port = number
  }

  private static let colon = UInt8(ascii: ":")

  /// The host is an IPv4 address, as nearly every request to a gateway on loopback has it; read in place.
  var isIPv4: Bool {
    var parts = 0
    var value = 0
    var digits = 0
    for byte in host {
      if byte.isASCIIDigit {
        value = value * 10 + Int(byte - UInt8(ascii: "0"))
        digits += 1
        // As inet_pton(3): "010" is eight to some.
        guard value <= 255, digits == 1 || value >= 10, digits <= 3 else { return false }
      } else {
        guard byte == UInt8(ascii: "."), digits > 0 else { return false }
        parts += 1
        value = 0
        digits = 0
      }
    }
    return parts == 3 && digits > 0
  }

  /// The host is an IPv6 address in brackets, with or without a zone (RFC 6874), which says nothing here.
  var isIPv6: Bool {
    guard host.first == UInt8(ascii: "[") else { return false }
    let inside = host.dropFirst().dropLast()
    let address = inside.prefix { $0 != UInt8(ascii: "%") }
    guard address.contains(Self.colon), inside.count != address.count + 1 else { return false }
    return IPAddress(String(decoding: address, as: UTF8.self)) != nil
  }

  /// The host is this name, which is in lower case; a dot at its end is the root's (RFC 1034 section 3.1).
  func isNamed(_ name: String) -> Bool {
    let host = host.last == UInt8(ascii: ".") ? host.dropLast() : host
    return host.count == name.utf8.count && zip(host, name.utf8).allSatisfy { $0.asciiLowercased == $1 }
  }

  /// Whether another authority is the same host and port, where `port` stands for none.
  func isSame(as other: Authority, defaultPort: Int) -> Bool {
    (port ?? defaultPort) == (other.port ?? defaultPort) && host.count == other.host.count
      && zip(host, other.host).allSatisfy { $0.asciiLowercased == $1.asciiLowercased }
  }
}
