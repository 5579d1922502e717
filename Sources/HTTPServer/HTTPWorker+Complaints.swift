import Basics
import CMicroHTTPD
import Glibc

// What libmicrohttpd refuses by itself once the head is whole (a wrong Content-Length; from 1.0 on other codings too)
// it answers with a page of its own, before 1.0 with that answer's head twice. It says so to the log first, and that
// is the moment to answer in its place.

extension HTTPWorker {
  /// Is told each line of libmicrohttpd's log, while it is at work on the connection that the line is about.
  func answerInItsPlace(_ line: String) {
    guard let running, line.hasPrefix("Error processing request") else { return }
    // Only what is being parsed has a whole head and was not handed to us.
    for connection in running.connections where !connection.isCut && !connection.isAnsweredPast {
      guard case .target(let target, _) = connection.phase, let handle = connection.handle, cmhd_head_size(handle) > 0
      else { continue }
      var received = ReceivedFields()
      received.read(from: handle)
      // Method and version are not known here.
      let headerGuard = received.guarded(.get, target, .oneOne)
      sendAtOnce(
        application.refuse(headerGuard.refusal() ?? .malformed("a header cannot be read")), on: connection)
    }
  }

  /// Is told the target of a request before libmicrohttpd takes it apart.
  func targetArrived(_ target: UnsafeRawBufferPointer, on connection: HTTPConnection) {
    let start = UInt(bitPattern: target.baseAddress!)
    connection.phase = .target(String(decoding: target, as: UTF8.self), at: start..<start + UInt(target.count))
    requestsUnderWay += 1
    requestsBegun += 1
    if connection.requests == 0 { isNoLongerSilent(connection) }
    hurryHead(of: connection)
    if let refusal = HeaderGuard.refusedSize(ofTarget: target) {
      sendAtOnce(application.refuse(refusal), on: connection)
    }
  }

  /// Sends an answer past libmicrohttpd, which then finds the connection closed for sending, and ends it; or it is cut,
  /// soon after the client has had it.
  func sendAtOnce(_ response: HTTPResponse, on connection: HTTPConnection) {
    guard case .bytes(let body) = response.body else { preconditionFailure("a refusal is a few bytes") }
    var head = "HTTP/1.1 \(response.status) \(String(cString: MHD_get_reason_phrase_for(UInt32(response.status))))\r\n"
    head += "Date: \(Self.date())\r\nConnection: close\r\nContent-Length: \(body.count)\r\n"
    for field in response.fields { head += "\(field.name): \(field.value)\r\n" }
    let bytes = Array((head + "\r\n").utf8) + (connection.isHead ? [] : body)
    if let session = connection.session {
      session.sendLast(bytes)
    } else {
      _ = bytes.withUnsafeBytes {
        send(connection.descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
      }
    }
    shutdown(connection.descriptor, Int32(SHUT_WR))
    connection.isAnsweredPast = true
    connection.deadline = loop.now + Limits.endedDeadline
  }

  /// The date as RFC 9110 section 5.6.7 has it.
  private static func date() -> String {
    var now = time(nil)
    var parts = tm()
    gmtime_r(&now, &parts)
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
      // The names of days and months are English: the program sets no locale.
      strftime(text.baseAddress!, text.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
      return String(cString: text.baseAddress!)
    }
  }
}
