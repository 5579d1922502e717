import Basics

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
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(digits: text[text.index(after: colon)...]) else {
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

  /// A host name (RFC 1123 section 2.1), whose last label is never a number.
  private static func isName(_ host: String) -> Bool {
    !host.isEmpty && host.split(separator: ".").last.map { UInt($0) == nil } ?? true
      && host.utf8.allSatisfy(\.isNameByte)
  }

  public var description: String {
    isBracketed ? "[\(host)]:\(port)" : "\(host):\(port)"
  }
}
