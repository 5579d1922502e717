public import Sockets

/// What is known of a request before its body.
public struct HTTPRequestHead: Sendable {
  /// What is to be done.
  public var method: HTTPMethod
  /// To what: the path, its escapes resolved.
  public var path: String
  /// What follows the question mark, as it came; nil where there is none.
  public var query: String?
  /// The header fields.
  public var fields: HTTPFields
  /// Who asks.
  public var peer: SocketAddress
}

/// A whole request.
public struct HTTPRequest: Sendable {
  /// All but the body.
  public var head: HTTPRequestHead
  /// The body, at most ``Limits/requestBody`` bytes.
  public var body: [UInt8]
}
