public import Basics
import CGnuTLS
import Glibc

/// A server's certificate with the chain that vouches for it and its private key.
///
/// `@unchecked Sendable`: GnuTLS's credentials are only read once they are made, and its sessions share them
/// ("Thread safety" in its manual).
public final class TLSCertificate: @unchecked Sendable {
  /// The certificate's file as it was read: PEM, the server's own certificate first.
  public let chain: [UInt8]
  /// The key's file as it was read: PEM.
  public let key: [UInt8]
  /// What the certificate says of itself.
  public let details: Details
  let credentials: gnutls_certificate_credentials_t

  /// Why there is no certificate to be had from two files: which of them, and what is wrong with it.
  public struct Fault: Error, Hashable, Sendable {
    /// The file that is to blame.
    public let file: String
    /// The rest of a sentence about it.
    public let reason: String
  }

  /// Reads a certificate and its key, both PEM.
  public init(certificateFile: String, keyFile: String) throws(Fault) {
    chain = try contents(of: certificateFile)
    key = try contents(of: keyFile)
    details = try Details(of: chain, from: certificateFile)
    try Self.check(key, from: keyFile)
    var credentials: gnutls_certificate_credentials_t?
    gnutls_certificate_allocate_credentials(&credentials)
    self.credentials = credentials!  // nil only without memory for a few hundred bytes.
    let status = withDatum(chain) { chain in
      withDatum(key) { gnutls_certificate_set_x509_key_mem2(self.credentials, chain, $0, GNUTLS_X509_FMT_PEM, nil, 0) }
    }
    guard status < 0 else { return }
    let mismatch = "it is not the key of the certificate in '\(certificateFile)'"
    throw Fault(
      file: keyFile, reason: status == GNUTLS_E_CERTIFICATE_KEY_MISMATCH ? mismatch : "\(TLSError(status))")
  }

  deinit {
    gnutls_certificate_free_credentials(credentials)
  }

  /// GnuTLS says of a key with a passphrase, and of no key at all, that the certificate is wrong.
  private static func check(_ bytes: [UInt8], from file: String) throws(Fault) {
    var key: gnutls_x509_privkey_t?
    gnutls_x509_privkey_init(&key)
    defer { gnutls_x509_privkey_deinit(key) }
    let status = withDatum(bytes) { gnutls_x509_privkey_import2(key, $0, GNUTLS_X509_FMT_PEM, nil, 0) }
    guard status < 0 else { return }
    let isLocked = String(decoding: bytes, as: UTF8.self).contains("ENCRYPTED")
    let reason =
      isLocked ? "the key in it has a passphrase, which nobody is there to type" : "it holds no PEM private key"
    throw Fault(file: file, reason: reason)
  }
}

extension TLSCertificate {
  /// What an operator wants to know of a certificate.
  public struct Details: Sendable {
    /// Its serial number, in hexadecimal, as openssl-x509(1) prints it.
    public let serial: String
    /// Until when it is good.
    public let expires: WallTime
    /// The certificate itself, as it goes over the wire (DER).
    public let encoded: [UInt8]

    /// Reads the first certificate of a PEM file, which needs no key.
    public init(ofFile file: String) throws(Fault) {
      try self.init(of: contents(of: file), from: file)
    }

    init(of chain: [UInt8], from file: String) throws(Fault) {
      guard let certificate = Self.parsed(chain) else { throw Fault(file: file, reason: "it holds no PEM certificate") }
      defer { gnutls_x509_crt_deinit(certificate) }
      serial = Self.bytes { gnutls_x509_crt_get_serial(certificate, $0, $1) }.map(hexadecimal).joined()
      // Nanoseconds end in 2262, certificates in 9999 (RFC 5280 section 4.1.2.5).
      let seconds = min(Int64(gnutls_x509_crt_get_expiration_time(certificate)), Int64.max / 1_000_000_000)
      expires = WallTime(nanoseconds: seconds * 1_000_000_000)
      encoded = Self.bytes { gnutls_x509_crt_export(certificate, GNUTLS_X509_FMT_DER, $0, $1) }
    }

    /// Whether it is out of date.
    public var isExpired: Bool { expires < .now() }

    /// Whether it is for a host of this name, or of this IP address (RFC 9525).
    public func covers(_ host: String) -> Bool {
      var certificate: gnutls_x509_crt_t?
      gnutls_x509_crt_init(&certificate)
      defer { gnutls_x509_crt_deinit(certificate) }
      let status = withDatum(encoded) { gnutls_x509_crt_import(certificate, $0, GNUTLS_X509_FMT_DER) }
      return status >= 0 && gnutls_x509_crt_check_hostname(certificate, host) != 0
    }

    private static func parsed(_ chain: [UInt8]) -> gnutls_x509_crt_t? {
      var list: UnsafeMutablePointer<gnutls_x509_crt_t?>?
      var count: UInt32 = 0
      let status = withDatum(chain) { gnutls_x509_crt_list_import2(&list, &count, $0, GNUTLS_X509_FMT_PEM, 0) }
      guard status >= 0, let list, count > 0 else { return nil }
      defer { free(list) }
      for index in 1..<max(1, Int(count)) { gnutls_x509_crt_deinit(list[index]) }
      return list[0]
    }

    /// What a function of GnuTLS's writes into room whose size it tells when it is given none.
    private static func bytes(_ write: (UnsafeMutableRawPointer?, UnsafeMutablePointer<Int>) -> Int32) -> [UInt8] {
      var count = 0
      _ = write(nil, &count)
      return [UInt8](unsafeUninitializedCapacity: count) { room, written in
        var size = room.count
        written = write(room.baseAddress, &size) >= 0 ? size : 0
      }
    }
  }
}

private func contents(of file: String) throws(TLSCertificate.Fault) -> [UInt8] {
  func unreadable() -> TLSCertificate.Fault {
    TLSCertificate.Fault(file: file, reason: "it cannot be read: \(String(cString: strerror(errno)))")
  }
  guard let stream = fopen(file, "re") else { throw unreadable() }
  defer { fclose(stream) }
  // Far more than any chain takes: what is named may be a device that never ends.
  let room = 1 << 20
  let bytes = [UInt8](unsafeUninitializedCapacity: room) { $1 = fread($0.baseAddress, 1, room, stream) }
  guard ferror(stream) == 0 else { throw unreadable() }
  guard bytes.count < room else { throw TLSCertificate.Fault(file: file, reason: "it is too large for a PEM file") }
  return bytes
}

private func hexadecimal(_ byte: UInt8) -> String {
  (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
}

/// Lends bytes as GnuTLS takes them.
func withDatum<Result>(_ bytes: [UInt8], _ body: (UnsafePointer<gnutls_datum_t>) -> Result) -> Result {
  var bytes = bytes
  return bytes.withUnsafeMutableBufferPointer { buffer in
    var datum = gnutls_datum_t(data: buffer.baseAddress, size: UInt32(buffer.count))
    return body(&datum)
  }
}
