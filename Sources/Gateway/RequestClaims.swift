import HTTPServer

/// What a request's header says of where it comes from and by whose leave. Read where it stands, and only when somebody
/// asks: each message has one.
struct RequestClaims {
  let head: HTTPRequestHead

  init(_ head: HTTPRequestHead) {
    self.head = head
  }

  /// The name by which the gateway was called. The server guarantees that there is at most one, and with HTTP/1.1 that
  /// there is one.
  var host: String? { head.fields["Host"] }

  /// By whose leave.
  var authorization: HTTPFields.Occurrence { head.fields.occurrence(of: "Authorization") }

  /// The request was made by a browser for a page that may not: one of another origin (`Sec-Fetch-Site`, or `Origin` of
  /// browsers that do not have that). Programs send neither.
  ///
  /// - Parameter isEncrypted: whether pages of this gateway come by https alone.
  func isCrossSite(encrypted isEncrypted: Bool) -> Bool {
    let origin = head.fields.occurrence(of: "Origin")
    switch head.fields.occurrence(of: "Sec-Fetch-Site") {
    case .one(let site): return site != "same-origin" && site != "none" || origin == .several
    case .several: return true
    case .missing: break
    }
    switch origin {
    case .one(let origin): return !isOwn(origin, encrypted: isEncrypted)
    case .several: return true
    case .missing: return false
    }
  }

  /// Whether an origin has the host and port by which the gateway was called, and the scheme, where the gateway
  /// encrypts: elsewhere TLS may end in front of it.
  private func isOwn(_ origin: String, encrypted isEncrypted: Bool) -> Bool {
    guard var host else { return false }
    for (scheme, port) in [("http://", 80), ("https://", 443)] where origin.hasPrefix(scheme) {
      if isEncrypted, port == 80 { return false }
      var origin = origin
      return origin.withUTF8 { origin in
        host.withUTF8 { host in
          guard let origin = Authority(origin[scheme.utf8.count...]), let host = Authority(host[...]) else {
            return false
          }
          return origin.isSame(as: host, defaultPort: port)
        }
      }
    }
    return false
  }
}
