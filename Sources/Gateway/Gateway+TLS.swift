import Basics
import HTTPServer
import Logging
import TLS

// The certificate that HTTP is encrypted with: read at start, and again when its owner has renewed it.

extension Gateway {
  /// Reads the certificate's files again and shows new connections what is in them; open connections go on with what
  /// they began with. What cannot be used is told to the log, and changes nothing.
  public func reloadCertificate() {
    guard core.configuration.tls != nil else {
      return core.log.note("nothing to reload", ["reason": "no --tls-certificate is set"])
    }
    do throws(StartupError) {
      if let certificate = try Self.readCertificate(core.configuration) { server.show(certificate) }
      noteCertificate()
    } catch {
      core.log.complain("the old certificate stays", ["reason": "\(error)"])
    }
  }

  /// Reads the configured certificate; nil where none is configured.
  static func readCertificate(_ configuration: GatewayConfiguration) throws(StartupError) -> TLSCertificate? {
    guard let files = configuration.tls else { return nil }
    guard HTTPServer.canEncrypt else { throw .cannotEncrypt }
    do throws(TLSCertificate.Fault) {
      return try TLSCertificate(certificateFile: files.certificateFile, keyFile: files.keyFile)
    } catch {
      throw .badCertificate(error)
    }
  }

  /// Tells the log which certificate is shown.
  func noteCertificate() {
    guard let certificate = server.shown, let files = core.configuration.tls else { return }
    let metadata: Logger.Metadata = [
      "file": "\(files.certificateFile)", "serial": "\(certificate.details.serial)",
      "expires": "\(certificate.details.expires.utc)",
    ]
    if certificate.details.isExpired {
      core.log.complain("the certificate is out of date: clients will not trust it", metadata)
    } else {
      core.log.note("certificate", metadata)
    }
  }

  /// Whether the certificate is for a host of this name or address; true where nothing is encrypted.
  public func isTrusted(as host: String) -> Bool {
    server.shown?.details.covers(host) ?? true
  }
}
