import Basics
import Sockets

/// Refuses what two parsers could read differently, before anything acts on it (RFC 9112 section 11.2): libmicrohttpd
/// lets most of it through.
///
/// A value without a connection: it is given what libmicrohttpd read, and hands on what it lets through.
struct HeaderGuard: ~Copyable {
  let method: HTTPMethod
  let target: String
  let version: HTTPVersion
  let fields: HTTPFields
  /// What is known of the fields from their bytes.
  let plainness: Plainness

  init(
    method: HTTPMethod, target: String, version: HTTPVersion, fields: HTTPFields, plainness: Plainness = Plainness()
  ) {
    self.method = method
    self.target = target
    self.version = version
    self.fields = fields
    self.plainness = plainness
  }

  /// The head, when nothing is to be refused; nil where its target cannot be taken apart.
  consuming func head(from peer: SocketAddress) -> HTTPRequestHead? {
    guard let parts = RequestTarget(target) else { return nil }
    return HTTPRequestHead(
      method: method, path: parts.path, query: parts.query, fields: plainness.endsBlank ? fields.trimmed() : fields,
      peer: peer)
  }

  /// Why the request is refused; nil where its framing has one meaning.
  func refusal() -> HTTPRefusal? {
    if plainness.isAcceptable { return refusedLine() ?? refusedSize(Framing(bytes: plainness.bytes)) }
    var framing = Framing()
    for field in fields { framing.note(field) }
    return refusedLine() ?? refusedSize(framing) ?? Self.refusal(of: fields) ?? refusedLength(framing)
      ?? refusedCoding(framing) ?? refusedHost(framing)
  }

  /// The fields that frame a request, gathered in one pass.
  private struct Framing {
    var bytes = 0
    var hosts = 0
    /// What libmicrohttpd makes of cookies: a copy of them all, and a record for each.
    var cookieBytes = 0
    var lengths: [String] = []
    var codings: [String] = []

    mutating func note(_ field: HTTPFields.Field) {
      bytes += field.name.utf8.count + field.value.utf8.count + 4
      if HTTPFields.isSame(field.name, "Host") { hosts += 1 }
      if HTTPFields.isSame(field.name, "Cookie") {
        cookieBytes += field.value.utf8.count + Limits.headerOverhead * HeaderGuard.parts(of: field.value.utf8, ";,")
      }
      if HTTPFields.isSame(field.name, "Content-Length") { lengths.append(field.value) }
      if HTTPFields.isSame(field.name, "Transfer-Encoding") { codings.append(field.value) }
    }
  }

  private func refusedLine() -> HTTPRefusal? {
    if case .other(let version) = version {
      return .malformed("the version '\(escapedLine(version))' is neither HTTP/1.1 nor HTTP/1.0")
    }
    guard Self.isToken(method.rawValue) else { return .malformed("the method is no token") }
    if method == .connect || method == .trace { return .method(method.rawValue) }
    if method == .options, target == "*" { return nil }
    guard target.utf8.first == UInt8(ascii: "/") else {
      return .malformed("the request target must be a path that starts with a slash")
    }
    guard Self.consists(target, of: { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }) else {
      return .malformed("the request target holds a character that must be escaped")
    }
    return nil
  }

  /// A head that nearly fills its memory would be closed on without a word.
  private func refusedSize(_ framing: Framing) -> HTTPRefusal? {
    var target = target
    let line = method.rawValue.utf8.count + Self.versionSize + 6 + target.withUTF8 { Self.size(ofTarget: $0) }
    let size = line + framing.bytes + framing.cookieBytes + Limits.headerOverhead * fields.count
    return size > Self.room ? .headTooLarge(limit: Self.room) : nil
  }

  /// How long a version is that is let through, in bytes.
  private static let versionSize = 8

  /// What a head may take of a connection's memory.
  private static let room = Limits.connectionPool - Limits.connectionPoolReserve

  /// Why a target is refused before the fields are read: libmicrohttpd takes its query apart at once, beside a buffer
  /// of half its memory or more, and before 1.0 leaves the client without a word where there is no room.
  static func refusedSize(ofTarget target: UnsafeRawBufferPointer) -> HTTPRefusal? {
    let size = size(ofTarget: target)
    let buffer = max(target.count, Limits.connectionPool / 2)
    return size > target.count && buffer + size - target.count > room ? .headTooLarge(limit: room) : nil
  }

  /// What a target takes: libmicrohttpd keeps a record for each argument of a query.
  private static func size(ofTarget target: some Collection<UInt8>) -> Int {
    guard let mark = target.firstIndex(of: UInt8(ascii: "?")) else { return target.count }
    return target.count + Limits.headerOverhead * parts(of: target[mark...], "&")
  }

  /// Into how many parts separators cut a text.
  private static func parts(of text: some Collection<UInt8>, _ separators: StaticString) -> Int {
    separators.withUTF8Buffer { separators in 1 + text.count { separators.contains($0) } }
  }

  /// Why fields are refused for what they are by themselves; those behind a chunked body too.
  static func refusal(of fields: HTTPFields) -> HTTPRefusal? {
    for field in fields {
      guard isToken(field.name) else {
        return .malformed("the header name '\(escapedLine(field.name))' is no token")
      }
      guard consists(field.value, of: { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
        return .malformed("the header '\(field.name)' holds a control character")
      }
    }
    return nil
  }

  private func refusedHost(_ framing: Framing) -> HTTPRefusal? {
    if framing.hosts > 1 { return .malformed("there are \(framing.hosts) Host headers") }
    if framing.hosts == 0, version == .oneOne { return .malformed("the Host header is missing") }
    return nil
  }

  private func refusedLength(_ framing: Framing) -> HTTPRefusal? {
    guard let length = framing.lengths.first else { return nil }
    if framing.lengths.count > 1 { return .malformed("there are \(framing.lengths.count) Content-Length headers") }
    if !framing.codings.isEmpty { return .malformed("there is a Content-Length beside a Transfer-Encoding") }
    guard UInt64(digits: length) != nil else {
      return .malformed("the Content-Length '\(escapedLine(length))' is no length")
    }
    return nil
  }

  private func refusedCoding(_ framing: Framing) -> HTTPRefusal? {
    guard let coding = framing.codings.first else { return nil }
    if version == .oneZero { return .malformed("HTTP/1.0 has no Transfer-Encoding") }
    if framing.codings.count > 1 || !HTTPFields.isSame(coding, "chunked") {
      return .transferCoding(framing.codings.joined(separator: ", "))
    }
    return nil
  }

  /// RFC 9110 section 5.6.2.
  static func isToken(_ text: String) -> Bool {
    !text.isEmpty && consists(text, of: isTokenByte)
  }

  static func isTokenByte(_ byte: UInt8) -> Bool {
    byte < 128 && (byte < 64 ? tokenBytes.low : tokenBytes.high) >> UInt64(byte & 63) & 1 == 1
  }

  /// Whether every byte of a text is allowed; over its memory, which is several times faster than over its view.
  private static func consists(_ text: String, of isAllowed: (UInt8) -> Bool) -> Bool {
    var text = text
    return text.withUTF8 { $0.allSatisfy(isAllowed) }
  }

  /// A bit for each byte that a token may have: letters, digits, and `!#$%&'*+-.^_`|~`.
  private static var tokenBytes: (low: UInt64, high: UInt64) { (0x03FF_6CFA_0000_0000, 0x57FF_FFFF_C7FF_FFFE) }
}
