/// An answer: what the application decides of it. Date, framing and connection handling are libmicrohttpd's.
public struct HTTPResponse: Sendable {
  /// The status code (RFC 9110 section 15).
  public var status: Int
  /// Header fields.
  public var fields: HTTPFields
  /// The content.
  public var body: Body
  /// The connection ends with this answer.
  public var closesConnection = false
  /// A streamed body goes on until somebody ends it: a drain does not wait for it to be read.
  public var isEndless = false

  /// An answer's content.
  public enum Body: Sendable {
    /// Bytes that are all there.
    case bytes([UInt8])
    /// A file that was read at start.
    case file(StaticFile)
    /// Bytes that come with time; to HTTP/1.1 as chunks. The function writes them and returns at the end; if it throws,
    /// the connection is cut, so that the client sees that something is missing.
    case stream(@Sendable (HTTPBodyWriter) async throws -> Void)
  }

  /// An answer with its bytes.
  public init(status: Int, fields: HTTPFields = HTTPFields(), body: Body = .bytes([])) {
    self.status = status
    self.fields = fields
    self.body = body
  }
}
