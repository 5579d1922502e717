/// `HOST:PORT` as people type it: a name, an IPv4 address, or an IPv6 address in brackets, and a port.
public struct HostPort: Hashable, Sendable, CustomStringConvertible {
  /// A name or an address without brackets.
  public var host: String
  /// The port; 0 where the kernel is to choose one.
  public var port: UInt16
  /// The host stood in brackets, so it can only be an IPv6 address.
  var isBracketed: Bool

  /// A host and a port.
  public init(host: String, port: UInt16) {
    self.host = host
    self.port = port
    self.isBracketed = host.contains(":")
  }

  /// Reads `HOST:PORT`; nil where a part is missing, the port is no number up to 65535, or an IPv6 address has no
  /// brackets (`::1:9999` could be read in two ways).
  public init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"), let port = Self.port(text[text.index(after: colon)...]) else {
      return nil
    }
    let host = text[..<colon]
    self.port = port
    isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
    if isBracketed {
      self.host = String(host.dropFirst().dropLast())
      guard self.host.contains(":") else { return nil }
    } else {
      self.host = String(host)
      guard Self.isName(self.host) || IPAddress(self.host, interface: { _ in 0 })?.version == 4 else { return nil }
    }
  }

  /// The bytes of a host name (RFC 1123 section 2.1), whose last label is never a number; the underscore is seen in
  /// practice.
  private static func isName(_ host: String) -> Bool {
    !host.isEmpty && host.split(separator: ".").last.map { UInt($0) == nil } ?? true
      && host.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
          true
        default: false
        }
      }
  }

  private static func port(_ digits: Substring) -> UInt16? {
    // UInt16.init would take a sign.
    digits.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? UInt16(digits) : nil
  }

  public var description: String {
    isBracketed ? "[\(host)]:\(port)" : "\(host):\(port)"
  }
}
