import Glibc

/// A request method (RFC 9110 section 9); unknown ones are kept as they came.
public struct HTTPMethod: RawRepresentable, Hashable, Sendable {
  /// The method's name, case-sensitive.
  public let rawValue: String

  public init(rawValue: String) {
    self.rawValue = rawValue
  }

  /// The method as libmicrohttpd has it. Of the two that nearly every request has no text is made.
  init(_ text: UnsafePointer<CChar>) {
    self =
      strcmp(text, "POST") == 0 ? .post : strcmp(text, "GET") == 0 ? .get : HTTPMethod(rawValue: String(cString: text))
  }

  /// It only reads (RFC 9110 section 9.2.1).
  public var isSafe: Bool { self == .get || self == .head || self == .options }

  /// Transfer a representation.
  public static let get = HTTPMethod(rawValue: "GET")
  /// The same without the content.
  public static let head = HTTPMethod(rawValue: "HEAD")
  /// Process the content.
  public static let post = HTTPMethod(rawValue: "POST")
  /// Replace the resource.
  public static let put = HTTPMethod(rawValue: "PUT")
  /// Change parts of the resource (RFC 5789).
  public static let patch = HTTPMethod(rawValue: "PATCH")
  /// Remove the resource.
  public static let delete = HTTPMethod(rawValue: "DELETE")
  /// Tell what can be done.
  public static let options = HTTPMethod(rawValue: "OPTIONS")
  /// Open a tunnel: nothing here does.
  static let connect = HTTPMethod(rawValue: "CONNECT")
  /// Send the request back: nothing here does.
  static let trace = HTTPMethod(rawValue: "TRACE")
}

/// The version of HTTP that a request line names (RFC 9112 section 2.3).
enum HTTPVersion: Equatable {
  /// HTTP/1.1.
  case oneOne
  /// HTTP/1.0.
  case oneZero
  /// Another, as it was written.
  case other(String)

  init(_ text: UnsafePointer<CChar>) {
    self =
      strcmp(text, "HTTP/1.1") == 0 ? .oneOne : strcmp(text, "HTTP/1.0") == 0 ? .oneZero : .other(String(cString: text))
  }
}
