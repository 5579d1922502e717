import CGnuTLS
import Foundation

/// A certificate for localhost and 127.0.0.1 that signs itself, and its key, in two files that go with it.
public final class MadeCertificate: Sendable {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "yodel-\(UUID().uuidString)")
  public let serial: UInt8
  public var certificateFile: String { folder.appending(path: "certificate.pem").path }
  public var keyFile: String { folder.appending(path: "key.pem").path }

  /// - Parameter lasting: seconds from now to its end.
  public init(serial: UInt8, lasting: Int = 3600) throws {
    self.serial = serial
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    var key: gnutls_x509_privkey_t?
    gnutls_x509_privkey_init(&key)
    defer { gnutls_x509_privkey_deinit(key) }
    // GNUTLS_CURVE_TO_BITS is a macro: this bit says that a curve's number follows.
    let curve = 1 << 31 | GNUTLS_ECC_CURVE_SECP256R1.rawValue
    gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, curve, 0)
    let certificate = Self.sign(key, serial, lasting)
    defer { gnutls_x509_crt_deinit(certificate) }
    try write(certificateFile) { gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, $0) }
    try write(keyFile) { gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, $0) }
  }

  deinit {
    try? FileManager.default.removeItem(at: folder)
  }

  private static func sign(_ key: gnutls_x509_privkey_t?, _ serial: UInt8, _ lasting: Int) -> gnutls_x509_crt_t? {
    var certificate: gnutls_x509_crt_t?
    gnutls_x509_crt_init(&certificate)
    gnutls_x509_crt_set_version(certificate, 3)
    var serial = serial
    gnutls_x509_crt_set_serial(certificate, &serial, 1)
    gnutls_x509_crt_set_activation_time(certificate, time(nil) - 7200)
    gnutls_x509_crt_set_expiration_time(certificate, time(nil) + lasting)
    gnutls_x509_crt_set_dn(certificate, "CN=localhost", nil)
    gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME, "localhost", 9, UInt32(GNUTLS_FSAN_SET))
    var address: [UInt8] = [127, 0, 0, 1]
    gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS, &address, 4, UInt32(GNUTLS_FSAN_APPEND))
    gnutls_x509_crt_set_key(certificate, key)
    gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0)
    return certificate
  }

  private func write(_ file: String, _ export: (UnsafeMutablePointer<gnutls_datum_t>) -> Int32) throws {
    var text = gnutls_datum_t()
    guard export(&text) >= 0 else { throw CocoaError(.fileWriteUnknown) }
    defer { free(text.data) }
    try Data(bytes: text.data, count: Int(text.size)).write(to: URL(filePath: file))
  }
}
