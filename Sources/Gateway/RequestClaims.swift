import HTTPServer

/// What a request's header says of where it comes from and by whose leave, gathered in one pass: each message has one.
struct RequestClaims {
  /// A field that may be there once.
  enum Field: Equatable {
    case missing
    case one(String)
    case several

    mutating func note(_ value: String) {
      self = self == .missing ? .one(value) : .several
    }
  }

  let head: HTTPRequestHead
  /// The server guarantees that there is at most one, and with HTTP/1.1 that there is one.
  private(set) var host: String?
  private(set) var site = Field.missing
  private(set) var origin = Field.missing
  private(set) var authorization = Field.missing
  private(set) var contentType: String?

  init(_ head: HTTPRequestHead) {
    self.head = head
    for field in head.fields {
      // Lengths tell most names apart.
      switch field.name.utf8.count {
      case 4 where field.isNamed("Host"): host = field.value
      case 6 where field.isNamed("Origin"): origin.note(field.value)
      case 12 where field.isNamed("Content-Type"): contentType = contentType ?? field.value
      case 13 where field.isNamed("Authorization"): authorization.note(field.value)
      case 14 where field.isNamed("Sec-Fetch-Site"): site.note(field.value)
      default: break
      }
    }
  }

  /// The request was made by a browser for a page that may not: one of another origin (`Sec-Fetch-Site`, or `Origin` of
  /// browsers that do not have that). Programs send neither.
  ///
  /// - Parameter isEncrypted: whether pages of this gateway come by https alone.
  func isCrossSite(encrypted isEncrypted: Bool) -> Bool {
    switch site {
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
    guard let host else { return false }
    for (scheme, port) in [("http://", 80), ("https://", 443)] where origin.hasPrefix(scheme) {
      if isEncrypted, port == 80 { return false }
      var origin = origin
      var host = host
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
