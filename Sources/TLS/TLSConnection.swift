import CGnuTLS
import Glibc
public import Sockets

/// A client's side of TLS that can wait, over a ``TCPConnection``, within whose time everything must be done.
public struct TLSConnection: ~Copyable {
  private let connection: TCPConnection
  private let session: gnutls_session_t
  private let credentials: gnutls_certificate_credentials_t
  /// Whom the certificate must be for. The handshake reads it: GnuTLS keeps the pointer and no copy.
  private let host: UnsafeMutablePointer<CChar>

  /// Why there is no TLS to be had.
  public enum Failure: Error, CustomStringConvertible {
    /// The connection below failed.
    case connection(SocketError)
    /// The handshake, or what came after it, did.
    case session(TLSError)
    /// The server's certificate is not believed, with GnuTLS's reasons.
    case untrusted(String)
    /// The server shows another certificate than the one that was asked for.
    case otherCertificate

    public var description: String {
      switch self {
      case .connection(let error): "\(error)"
      case .session(let error): "TLS: \(error)"
      case .untrusted(let reason): "its certificate is not trusted: \(reason)"
      case .otherCertificate: "it shows another certificate than the one in the file"
      }
    }
  }

  /// Does the handshake.
  ///
  /// - Parameters:
  ///   - host: whom the certificate must be for, and be vouched for by an authority that this system trusts.
  ///   - expected: the very certificate that the server must show, in place of both; DER.
  public init(
    over connection: consuming TCPConnection, to host: String, expecting expected: [UInt8]?
  ) throws(Failure) {
    var session: gnutls_session_t?
    var credentials: gnutls_certificate_credentials_t?
    gnutls_init(&session, UInt32(GNUTLS_CLIENT.rawValue | GNUTLS_NONBLOCK.rawValue | GNUTLS_NO_SIGNAL.rawValue))
    gnutls_certificate_allocate_credentials(&credentials)
    self.connection = connection
    self.session = session!  // Both are nil only without memory for a few kilobytes.
    self.credentials = credentials!
    self.host = strdup(host)!
    gnutls_set_default_priority(session)
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, UnsafeMutableRawPointer(self.credentials))
    cgnutls_transport_set_int(session, self.connection.descriptor)
    if IPAddress(host) == nil { gnutls_server_name_set(session, GNUTLS_NAME_DNS, host, host.utf8.count) }
    if expected == nil {
      gnutls_certificate_set_x509_system_trust(credentials)
      gnutls_session_set_verify_cert(session, self.host, 0)
    }
    try shakeHands()
    if let expected, peerCertificate != expected { throw .otherCertificate }
  }

  deinit {
    gnutls_deinit(session)
    gnutls_certificate_free_credentials(credentials)
    free(host)
  }

  private borrowing func shakeHands() throws(Failure) {
    do throws(Failure) {
      try waiting { gnutls_handshake($0) }
    } catch {
      guard case .session(let cause) = error, cause.code == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR else { throw error }
      throw .untrusted(Self.reasons(session))
    }
  }

  private static func reasons(_ session: gnutls_session_t) -> String {
    var text = gnutls_datum_t()
    let status = gnutls_session_get_verify_cert_status(session)
    guard gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) >= 0 else { return "" }
    defer { free(text.data) }
    return String(decoding: UnsafeBufferPointer(start: text.data, count: Int(text.size)), as: UTF8.self)
      .split(separator: "\0").first.map(String.init) ?? ""
  }

  private var peerCertificate: [UInt8] {
    var count: UInt32 = 0
    guard let list = gnutls_certificate_get_peers(session, &count), count > 0 else { return [] }
    return Array(UnsafeBufferPointer(start: list[0].data, count: Int(list[0].size)))
  }

  /// Sends all of `bytes`.
  public borrowing func send(_ bytes: [UInt8]) throws(Failure) {
    var rest = bytes[...]
    // A call takes a record's worth at most, and one that has to wait is repeated with the same bytes.
    while !rest.isEmpty {
      let sent = try waiting { session in
        rest.withUnsafeBytes { Int32(gnutls_record_send(session, $0.baseAddress, $0.count)) }
      }
      rest = rest.dropFirst(Int(sent))
    }
  }

  /// Receives up to `count` bytes; none where the other side has ended its sending.
  public borrowing func receive(upTo count: Int) throws(Failure) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let received = try waiting { session in
      bytes.withUnsafeMutableBytes { Int32(gnutls_record_recv(session, $0.baseAddress, $0.count)) }
    }
    return Array(bytes.prefix(Int(received)))
  }

  /// Repeats a call until it need not wait.
  @discardableResult
  private borrowing func waiting(_ call: (gnutls_session_t) -> Int32) throws(Failure) -> Int32 {
    while true {
      let result = call(session)
      if result >= 0 { return result }
      guard gnutls_error_is_fatal(result) == 0 else { throw .session(TLSError(result)) }
      do throws(SocketError) {
        // A warning, or a message between two of ours: only these two wait for the socket.
        guard result == GNUTLS_E_AGAIN || result == GNUTLS_E_INTERRUPTED else { continue }
        try connection.wait(forWriting: gnutls_record_get_direction(session) == 1)
      } catch {
        throw .connection(error)
      }
    }
  }
}
