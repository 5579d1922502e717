/// A request method (RFC 9110 section 9); unknown ones are kept as they came.
public struct HTTPMethod: RawRepresentable, Hashable, Sendable {
  /// The method's name, case-sensitive.
  public let rawValue: String

  public init(rawValue: String) {
    self.rawValue = rawValue
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
}
