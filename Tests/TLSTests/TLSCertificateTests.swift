import Basics
import Foundation
import TLS
import TestSupport
import Testing

@Suite struct TLSCertificateTests {
  private func certificate(_ made: MadeCertificate) throws -> TLSCertificate {
    try TLSCertificate(certificateFile: made.certificateFile, keyFile: made.keyFile)
  }

  @Test func aCertificateTellsItsSerialItsEndAndWhomItIsFor() throws {
    let details = try certificate(MadeCertificate(serial: 0x0A)).details
    #expect(details.serial == "0A")
    let left = details.expires - .now()
    #expect(left > .seconds(3500) && left < .seconds(3700) && !details.isExpired)
    for host in ["localhost", "127.0.0.1"] { #expect(details.covers(host), "\(host)") }
    for host in ["example.org", "127.0.0.2", "::1", ""] { #expect(!details.covers(host), "\(host)") }
  }

  @Test func oneThatIsOutOfDateSaysSo() throws {
    #expect(try certificate(MadeCertificate(serial: 1, lasting: -60)).details.isExpired)
  }

  @Test func theFileThatIsToBlameIsNamed() throws {
    let (made, other) = (try MadeCertificate(serial: 1), try MadeCertificate(serial: 2))
    for (file, key, blamed, reason) in [
      (made.certificateFile, other.keyFile, other.keyFile, "not the key of the certificate in"),
      (made.keyFile, made.keyFile, made.keyFile, "no PEM certificate"),
      (made.certificateFile, made.certificateFile, made.certificateFile, "no PEM private key"),
      ("/nowhere", made.keyFile, "/nowhere", "No such file"), ("/dev/zero", made.keyFile, "/dev/zero", "too large"),
    ] {
      let fault = #expect(throws: TLSCertificate.Fault.self) {
        try TLSCertificate(certificateFile: file, keyFile: key)
      }
      #expect(fault?.file == blamed && fault?.reason.contains(reason) == true, "\(String(describing: fault))")
    }
  }

  /// Whatever is in a file, reading it ends with a certificate or a fault.
  @Test(arguments: 0..<50)
  func aDamagedFileIsAFaultOrACertificate(seed: Int) throws {
    let made = try MadeCertificate(serial: 1)
    var random = SeededGenerator(seed: UInt64(seed))
    for file in [made.certificateFile, made.keyFile] {
      var bytes = [UInt8](try Data(contentsOf: URL(filePath: file)))
      for _ in 0..<4 {
        bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      try Data(bytes.prefix(Int.random(in: 0...bytes.count, using: &random))).write(to: URL(filePath: file))
      _ = try? certificate(made)
    }
  }
}
