import CMicroHTTPD
import Sockets
import TLS

// What is different where connections are encrypted. libmicrohttpd does the handshake and the records; each session is
// given the certificate of its moment, so that another one needs no other daemon.

extension HTTPWorker {
  /// libmicrohttpd has made a connection, and its session with it, which shows what is to be shown from now on.
  func beginSession(of connection: HTTPConnection, _ handle: OpaquePointer) {
    guard let certificate, let session = cmhd_tls_session(handle) else { return }
    connection.session = TLSSession(OpaquePointer(session), showing: certificate.withLock { $0 })
  }

  /// Judges the first byte of a connection; all that follows it is sealed.
  func openingOfSession(_ byte: UInt8) -> Opening {
    byte == TLSSession.firstByte ? .request(behind: nil) : .refused
  }

  /// Why a connection is refused by its first bytes.
  var refusedOpening: HTTPRefusal {
    .malformed(
      certificate == nil
        ? "there is no method with a space behind it, after one blank line at most"
        : "this port speaks TLS and nothing else: ask for https:// in place of http://")
  }

  /// What an operator hears of a line of libmicrohttpd's log.
  func event(of line: String) -> HTTPServerEvent {
    line.hasPrefix("Error: received handshake message") ? .handshakeFailed : .library(line)
  }
}
