import HTTPServer

/// Who may use a route, from anyone to few.
enum Access: Int, CaseIterable, Comparable, Sendable {
  /// Whoever reaches it, by whatever name: health checks.
  case open
  /// Whoever calls the gateway by a name of its own: the page's files, which hold nothing secret.
  case page
  /// Whoever also has the token, where one is set.
  case api
  /// Whoever has the token; where none is set, programs on this machine alone.
  case control

  static func < (left: Access, right: Access) -> Bool { left.rawValue < right.rawValue }
}

/// Who may ask for what, decided from a request's head alone.
final class AccessRules: Sendable {
  let token: BearerToken?
  /// Names that are accepted in `Host`, in lower case; IP addresses always are.
  let hosts: [String]
  /// The gateway itself encrypts, so no page of its own comes by plain HTTP.
  let isEncrypted: Bool

  init(token: BearerToken?, hosts: [HostName], isEncrypted: Bool = false) {
    self.token = token
    self.isEncrypted = isEncrypted
    self.hosts = ["localhost"] + hosts.map(\.text)
  }

  /// Why a request is refused before its body is read.
  enum Refusal: Equatable {
    case wrongHost
    case notFound
    case methodNotAllowed
    case crossSite
    case unauthorized
    case controlRefused
  }

  /// The first reason to refuse a request, in the order that the API promises; nil where there is none.
  func refusal(of claims: RequestClaims, to match: Router.Match) -> Refusal? {
    if match.access > .open, !isKnownHost(of: claims.head) { return .wrongHost }
    switch match.outcome {
    case .nothing: return .notFound
    case .notAllowed: return .methodNotAllowed
    case .destination(let destination):
      if destination.hasEffects, claims.isCrossSite(encrypted: isEncrypted) { return .crossSite }
    case .options: break
    }
    if match.access < .api { return nil }
    if let token { return isCarried(token, by: claims) ? nil : .unauthorized }
    if match.access == .control, !claims.head.peer.ip.isLoopback || claims.head.isForwarded { return .controlRefused }
    return nil
  }

  /// A browser that was led here by a foreign name (DNS rebinding) says that name. HTTP/1.0 may come without one; no
  /// browser speaks it.
  private func isKnownHost(of head: HTTPRequestHead) -> Bool {
    head.fields.withValue(of: "Host") { bytes in
      guard let authority = Authority(bytes.bindMemory(to: UInt8.self)[...]) else { return false }
      return authority.isIPv4 || authority.isIPv6 || hosts.contains { authority.isNamed($0) }
    } ?? true
  }

  private func isCarried(_ token: BearerToken, by claims: RequestClaims) -> Bool {
    guard case .one(let authorization) = claims.authorization else { return false }
    return token.isCarried(by: authorization)
  }
}
