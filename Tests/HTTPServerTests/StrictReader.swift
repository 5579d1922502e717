import Foundation

/// What bytes mean as HTTP/1.1, written from RFC 9112 alone: the judge over the server, which shares nothing with it.
///
/// Whatever the RFC lets a recipient repair (bare line feeds, folding, white space here and there) is refused here:
/// only what has one meaning is read.
struct StrictReader {
  /// A request that has one meaning.
  struct Request: Equatable {
    var method = ""
    var path = ""
    var query: String?
    var fields: [[String]] = []
    var body: [UInt8] = []

    /// A proxy says that it is in between.
    var isForwarded: Bool {
      fields.contains { field in
        let name = field[0].lowercased()
        return name.hasPrefix("x-forwarded") || ["via", "forwarded"].contains(name)
      }
    }
  }

  /// What follows the last request.
  enum End: Equatable {
    /// Nothing: the connection waits.
    case complete
    /// The beginning of a request.
    case incomplete
    /// The last request ended the connection; what follows is not read.
    case closed
    /// What must not be read.
    case refused
  }

  /// What libmicrohttpd before 1.0 takes, and what its memory does not show afterwards (see the README's limits).
  struct Leniences {
    /// NUL and LF end a line as CR and LF do; and two line ends may be any four bytes of CR, LF, NUL and colon.
    var lineEnds = false
    /// Before a request line that is not a connection's first, two bytes that are no CRLF may be lines that are blank
    /// or begin with NUL.
    var blankLines = false
  }

  private(set) var requests: [Request] = []
  /// Which of them a server may refuse all the same: their heads are large, or use white space that few servers trim;
  /// over quotes in a cookie libmicrohttpd before 1.0 can stumble, over extensions of chunks 1.0.1 always does.
  private(set) var refusable: Set<Int> = []
  /// Which of them have chunks and came through a proxy: the connection ends with them.
  private(set) var proxied: Set<Int> = []
  private(set) var end = End.complete
  /// The request that could not be read was refused, or is incomplete, within its chunks: its head is sound.
  private(set) var endsInChunks: Request?

  private let bytes: [UInt8]
  private let leniences: Leniences
  private var position = 0
  private var isPersistent = true
  /// Where two line ends that were let pass begin.
  private var looseEnd: Int?

  /// Reads all that a client sent on one connection.
  init(_ bytes: [UInt8], leniences: Leniences = .init()) {
    self.bytes = bytes
    self.leniences = leniences
    do throws(Stop) {
      while position < bytes.count, isPersistent { requests.append(try request()) }
      end = isPersistent ? .complete : .closed
    } catch {
      end = error == .missing ? .incomplete : .refused
    }
  }

  private enum Stop: Error { case missing, refused }

  // MARK: A request

  private mutating func request() throws(Stop) -> Request {
    try skipBlankLines()
    let from = position
    var request = Request()
    let version = try requestLine(&request)
    while let field = try fieldLine() { request.fields.append(field) }
    if position - from + 64 * request.fields.count > 5000 { refusable.insert(requests.count) }
    try checkHost(request, version)
    isPersistent = persists(request, version)
    if let length = try framing(of: request, version) {
      request.body = try take(length)
    } else {
      endsInChunks = request
      request.body = try chunks()
      endsInChunks = nil
      if request.isForwarded { proxied.insert(requests.count) }
    }
    return request
  }

  /// Section 2.2: one empty line before a request line is ignored.
  private mutating func skipBlankLines() throws(Stop) {
    if bytes[position...].starts(with: [13, 10]) {
      position += 2
      refusable.insert(requests.count)
      if position == bytes.count { throw .missing }
    } else if leniences.blankLines, !requests.isEmpty {
      if looseBlankLines() == 2 { position += 2 }
      if position == bytes.count { throw .missing }
    }
  }

  /// How many bytes stand in lines that end in a line feed and begin with it, with CRLF or with NUL.
  private func looseBlankLines() -> Int {
    var end = position
    while end < bytes.count, bytes[end] == 10 || bytes[end] == 0 || bytes[end...].starts(with: [13, 10]),
      let feed = bytes[end...].firstIndex(of: 10)
    { end = feed + 1 }
    return end - position
  }

  /// Section 3.
  private mutating func requestLine(_ request: inout Request) throws(Stop) -> String {
    let parts = try line().split(separator: 32, omittingEmptySubsequences: false)
    guard parts.count == 3, Self.isToken(parts[0]) else { throw .refused }
    let version = String(decoding: parts[2], as: UTF8.self)
    guard version == "HTTP/1.1" || version == "HTTP/1.0" else { throw .refused }
    request.method = String(decoding: parts[0], as: UTF8.self)
    try target(parts[1], &request)
    return version
  }

  /// Section 3.2.1, and whatever else can be seen, but for a fragment's mark. Escapes resolve to UTF-8 without slashes.
  private func target(_ target: ArraySlice<UInt8>, _ request: inout Request) throws(Stop) {
    guard !["CONNECT", "TRACE"].contains(request.method) else { throw .refused }
    let isAsterisk = target.elementsEqual([42]) && request.method == "OPTIONS"
    guard target.first == 47 || isAsterisk, target.allSatisfy({ (33...126).contains($0) && $0 != 35 }) else {
      throw .refused
    }
    let parts = target.split(separator: 63, maxSplits: 1, omittingEmptySubsequences: false)
    guard let path = Self.resolved(parts[0]), let text = String(validating: path, as: UTF8.self) else { throw .refused }
    guard !path.contains(0), path.filter({ $0 == 47 }).count == parts[0].filter({ $0 == 47 }).count else {
      throw .refused
    }
    request.path = text
    if parts.count == 2 {
      guard Self.resolved(parts[1]) != nil else { throw .refused }
      request.query = String(decoding: parts[1], as: UTF8.self)
    }
  }

  /// Section 5; nil is the empty line.
  private mutating func fieldLine() throws(Stop) -> [String]? {
    if skipsLooseEnd() { return nil }
    let line = try line()
    if line.isEmpty { return nil }
    guard let colon = line.firstIndex(of: 58), Self.isToken(line[..<colon]) else { throw .refused }
    var value = line[(colon + 1)...]
    guard value.allSatisfy({ $0 == 9 || $0 >= 32 && $0 != 127 }) else { throw .refused }
    let isBlank: (UInt8) -> Bool = { $0 == 32 || $0 == 9 }
    let name = String(decoding: line[..<colon], as: UTF8.self)
    if let last = value.last, isBlank(last), ["content-length", "transfer-encoding"].contains(name.lowercased()) {
      refusable.insert(requests.count)
    }
    if name.lowercased() == "cookie", value.contains(34) { refusable.insert(requests.count) }
    while let last = value.last, isBlank(last) { value.removeLast() }
    return [name, String(decoding: value.drop(while: isBlank), as: UTF8.self)]
  }

  /// Section 3.2.
  private func checkHost(_ request: Request, _ version: String) throws(Stop) {
    let hosts = Self.values("host", of: request).count
    guard hosts == 1 || hosts == 0 && version == "HTTP/1.0" else { throw .refused }
  }

  /// Section 9.3.
  private func persists(_ request: Request, _ version: String) -> Bool {
    let options = Self.values("connection", of: request).flatMap { $0.split(separator: ",") }.map {
      $0.lowercased().trimmingCharacters(in: .whitespaces)
    }
    if options.contains("close") { return false }
    return version == "HTTP/1.1" || options.contains("keep-alive")
  }

  // MARK: The body

  /// Section 6.3: how many bytes the body has; nil where it comes in chunks.
  private func framing(of request: Request, _ version: String) throws(Stop) -> Int? {
    let codings = Self.values("transfer-encoding", of: request)
    let lengths = Self.values("content-length", of: request)
    if !codings.isEmpty {
      guard codings.map({ $0.lowercased() }) == ["chunked"], lengths.isEmpty, version == "HTTP/1.1" else {
        throw .refused
      }
      return nil
    }
    guard let length = lengths.first else { return 0 }
    guard lengths.count == 1, !length.isEmpty, length.utf8.allSatisfy({ (48...57).contains($0) }),
      let count = Int(length), count <= 512 << 10
    else { throw .refused }
    return count
  }

  /// Section 7.1.
  private mutating func chunks() throws(Stop) -> [UInt8] {
    var body: [UInt8] = []
    while true {
      let line = try line()
      let digits = line.prefix { Self.hexadecimal($0) != nil }
      guard !digits.isEmpty, let size = Int(String(decoding: digits, as: UTF8.self), radix: 16),
        Self.isExtension(line[digits.endIndex...]), body.count + size <= 512 << 10
      else { throw .refused }
      if line.contains(59) { refusable.insert(requests.count) }
      if size == 0 { break }
      body += try take(size)
      guard try self.line().isEmpty else { throw .refused }
    }
    while try fieldLine() != nil {}
    return body
  }

  /// Section 7.1.1, loosely: what follows the semicolon can be seen, or is a blank.
  private static func isExtension(_ text: ArraySlice<UInt8>) -> Bool {
    text.isEmpty || text.first == 59 && text.allSatisfy { $0 == 9 || (32...126).contains($0) }
  }

  // MARK: Bytes

  private mutating func take(_ count: Int) throws(Stop) -> [UInt8] {
    guard bytes.count - position >= count else { throw .missing }
    defer { position += count }
    return Array(bytes[position..<(position + count)])
  }

  /// A line without its CRLF. A bare CR or LF, or NUL, is refused as soon as it stands there.
  private mutating func line() throws(Stop) -> ArraySlice<UInt8> {
    for index in position..<bytes.count where [0, 10, 13].contains(bytes[index]) {
      if leniences.lineEnds, isLooseEnd(index) {
        defer { (position, looseEnd) = (index, index) }
        return bytes[position..<index]
      }
      let isEnd = bytes[index] == 13 || bytes[index] == 0 && leniences.lineEnds
      guard isEnd else { throw .refused }
      guard index + 1 < bytes.count else { throw .missing }
      guard bytes[index + 1] == 10 else { throw .refused }
      defer { position = index + 2 }
      return bytes[position..<index]
    }
    throw .missing
  }

  /// Whether the line just read ended together with the head in a way that is let pass.
  private mutating func skipsLooseEnd() -> Bool {
    guard leniences.lineEnds, let end = looseEnd else { return false }
    position = end + 4
    looseEnd = nil
    return true
  }

  private func isLooseEnd(_ index: Int) -> Bool {
    let four = bytes[index...].prefix(4)
    return four.count == 4 && four.last == 10 && four.allSatisfy { [0, 10, 13, 58].contains($0) }
      && (four.contains(0) || four.contains(58))
  }

  private static func values(_ name: String, of request: Request) -> [String] {
    request.fields.filter { $0[0].lowercased() == name }.map { $0[1] }
  }

  private static func isToken(_ text: ArraySlice<UInt8>) -> Bool {
    !text.isEmpty
      && text.allSatisfy { byte in
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
          || Array("!#$%&'*+-.^_`|~".utf8).contains(byte)
      }
  }

  private static func resolved(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    var resolved: [UInt8] = []
    var rest = text
    while let byte = rest.popFirst() {
      guard byte == 37 else {
        resolved.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(hexadecimal), let low = rest.popFirst().flatMap(hexadecimal) else {
        return nil
      }
      resolved.append(high * 16 + low)
    }
    return resolved
  }

  private static func hexadecimal(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 48...57: byte - 48
    case 65...70: byte - 55
    case 97...102: byte - 87
    default: nil
    }
  }
}
