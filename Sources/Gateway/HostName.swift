import Basics

/// A name by which the gateway may be called beside `localhost`, in lower case and without a dot at its end.
public struct HostName: Hashable, Sendable {
  /// The name.
  public let text: String

  /// Reads a name: letters, digits, dashes, underscores and dots (RFC 1123), without a port; others have to be written
  /// as a browser sends them (`xn--…`).
  public init?(_ text: String) {
    let name = text.hasSuffix(".") ? String(text.dropLast()) : text
    guard name.utf8.allSatisfy(\.isNameByte),
      !name.split(separator: ".", omittingEmptySubsequences: false).contains("")
    else { return nil }
    self.text = name.lowercased()
  }
}
