import CGnuTLS

/// A session that somebody else made and ends (libmicrohttpd, for each of its connections), with what it shows: GnuTLS
/// keeps a pointer to that, and so its owner is kept here for as long.
public struct TLSSession {
  private let session: gnutls_session_t
  private let certificate: TLSCertificate

  /// Has a session that has not begun its handshake show this certificate, and no other that it was given.
  public init(_ session: OpaquePointer, showing certificate: TLSCertificate) {
    self.session = session
    self.certificate = certificate
    // Fails only without memory for a list's entry; then the session shows what it was made with.
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, UnsafeMutableRawPointer(certificate.credentials))
  }

  /// Sends bytes, if there is room for them at once, and says that nothing will follow.
  public func sendLast(_ bytes: [UInt8]) {
    _ = bytes.withUnsafeBytes { gnutls_record_send(session, $0.baseAddress, $0.count) }
    gnutls_bye(session, GNUTLS_SHUT_WR)
  }

  /// The first byte of every session: the type of a record that carries a handshake (RFC 8446 section 5.1).
  public static let firstByte: UInt8 = 0x16
}
