public import Sockets

/// What is known of a request before its body. A class, so that a function that waits for something keeps a pointer and
/// not a copy: what it keeps is allocated, and past a kilobyte dearly.
public final class HTTPRequestHead: Sendable {
  /// What is to be done.
  public let method: HTTPMethod
  /// To what: the path, its escapes resolved.
  public let path: String
  /// What follows the question mark, as it came; nil where there is none.
  public let query: String?
  /// The header fields.
  public let fields: HTTPFields
  /// Who asks.
  public let peer: SocketAddress

  /// A head from its parts.
  public init(method: HTTPMethod, path: String, query: String?, fields: HTTPFields, peer: SocketAddress) {
    self.method = method
    self.path = path
    self.query = query
    self.fields = fields
    self.peer = peer
  }
}

extension HTTPRequestHead {
  /// A proxy says that it is in between, so the peer is not who asks, and requests of many clients may share the
  /// connection. Such fields are believed in nothing else.
  public var isForwarded: Bool {
    fields.contains { field in
      let name = field.name.lowercased()
      return name.hasPrefix("x-forwarded") || Self.forwardingFields.contains(name)
    }
  }

  /// What proxies add: by standard (RFC 7239, RFC 9110 section 7.6.3), by habit, and what those do who sell it.
  /// `X-Forwarded-…` is looked for by its beginning.
  private static let forwardingFields: Set<String> = [
    "forwarded", "via", "x-real-ip", "x-client-ip", "client-ip", "true-client-ip", "x-cluster-client-ip",
    "x-original-forwarded-for", "x-envoy-external-address", "cf-connecting-ip", "fastly-client-ip", "fly-client-ip",
    "x-azure-clientip", "x-appengine-user-ip",
  ]
}

/// A whole request.
public struct HTTPRequest: Sendable {
  /// All but the body.
  public var head: HTTPRequestHead
  /// What the application said when it admitted the head.
  public var destination: Int
  /// The body, at most ``Limits/requestBody`` bytes.
  public var body: [UInt8]
}
