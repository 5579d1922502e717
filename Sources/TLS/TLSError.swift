import CGnuTLS

/// What GnuTLS has against something, as its own number and words.
public struct TLSError: Error, Hashable, Sendable, CustomStringConvertible {
  /// GnuTLS's number: negative.
  public let code: Int32

  init(_ code: Int32) {
    self.code = code
  }

  public var description: String { String(cString: gnutls_strerror(code)) }
}
