import Basics
public import Sockets

/// The literal addresses that requests may name as targets: `CIDR[:PORT[-PORT]]`.
public struct TargetRange: Hashable, Sendable {
  /// The addresses.
  public let network: IPNetwork
  /// The ports; without a word on them those that no privilege is needed for.
  public let ports: ClosedRange<UInt16>

  /// Reads `10.0.0.0/8`, `10.0.0.0/8:5000-5999`, `fd00::/8`, or `[fd00::/8]:5000`; `[fd00::]/8:5000` is taken too.
  public init?(_ text: String) {
    guard let (network, ports) = Self.parts(text), let network = IPNetwork(network) else { return nil }
    self.network = network
    guard let ports else {
      self.ports = 1024...UInt16.max
      return
    }
    let bounds = ports.split(separator: "-", omittingEmptySubsequences: false).map(Self.port)
    guard bounds.count <= 2, let first = bounds.first ?? nil, let last = bounds.last ?? nil, first <= last else {
      return nil
    }
    self.ports = first...last
  }

  /// The network and the ports behind the colon; nil where brackets are missing or stand around something else.
  private static func parts(_ text: String) -> (network: String, ports: Substring?)? {
    guard text.hasPrefix("[") else {
      let colons = text.utf8.count { $0 == UInt8(ascii: ":") }
      guard colons == 1, let colon = text.firstIndex(of: ":") else { return (text, nil) }
      return (String(text[..<colon]), text[text.index(after: colon)...])
    }
    guard let bracket = text.firstIndex(of: "]") else { return nil }
    let inside = text[text.index(text.startIndex, offsetBy: 1)..<bracket]
    let rest = text[text.index(after: bracket)...]
    let end = rest.firstIndex(of: ":") ?? rest.endIndex
    guard inside.contains(":"), inside.contains("/") == rest[..<end].isEmpty else { return nil }
    return (String(inside + rest[..<end]), end == rest.endIndex ? nil : rest[rest.index(after: end)...])
  }

  /// Port 0 is none.
  private static func port(_ digits: Substring) -> UInt16? {
    UInt16(digits: digits).flatMap { $0 == 0 ? nil : $0 }
  }
}
