import Glibc

/// A file as it was when the server started.
public final class StaticFile: Sendable {
  /// Its bytes.
  let bytes: [UInt8]
  /// The value of Content-Type.
  public let type: String
  /// A strong validator: a digest of the bytes (RFC 9110 section 8.8.3).
  public let entityTag: String
  /// The value of Content-Encoding; nil where the bytes are the file's own.
  public let encoding: String?
  /// The same file for who takes gzip, where that is shorter.
  public let compressed: StaticFile?

  convenience init(bytes: [UInt8], type: String) {
    let short = Gzip.compress(bytes).flatMap { $0.count < bytes.count ? $0 : nil }
    self.init(bytes, type, compressed: short.map { StaticFile($0, type, encoding: "gzip") })
  }

  private init(_ bytes: [UInt8], _ type: String, encoding: String? = nil, compressed: StaticFile? = nil) {
    self.bytes = bytes
    self.type = type
    self.encoding = encoding
    self.compressed = compressed
    entityTag = "\"" + Self.digest(bytes) + "\""
  }

  /// FNV-1a in 64 bits, and the length: it tells versions of a file apart; nobody's safety hangs on it.
  private static func digest(_ bytes: [UInt8]) -> String {
    let hash = bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    return String(hash, radix: 16) + "-" + String(bytes.count, radix: 16)
  }
}

/// The files of a directory, read once, by their paths in URLs.
///
/// A request's path is only ever looked up here: there is no path to the file system that it could take.
public struct StaticFiles: Sendable {
  /// What could not be read.
  public struct Failure: Error, CustomStringConvertible {
    /// The file or directory.
    public var path: String
    /// Why.
    public var reason: String

    public var description: String { "cannot read '\(path)': \(reason)" }
  }

  private var files: [String: StaticFile] = [:]

  /// No files.
  public init() {}

  /// Reads every regular file below `directory`; `index.html` also answers for its directory. What starts with a dot
  /// stays private.
  public init(directory: String) throws(Failure) {
    try read(directory, at: "/")
  }

  /// The file for a URL's path.
  public subscript(path: String) -> StaticFile? { files[path] }

  /// The paths that have a file, sorted.
  public var paths: [String] { files.keys.sorted() }

  private mutating func read(_ directory: String, at path: String) throws(Failure) {
    guard let stream = opendir(directory) else { throw Failure(path: directory, reason: lastError()) }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
      }
      if name.hasPrefix(".") { continue }
      try add(directory + "/" + name, at: path + name)
    }
  }

  private mutating func add(_ file: String, at path: String) throws(Failure) {
    var status = stat()
    guard stat(file, &status) == 0 else { throw Failure(path: file, reason: lastError()) }
    switch status.st_mode & S_IFMT {
    case S_IFDIR: try read(file, at: path + "/")
    case S_IFREG:
      let content = StaticFile(bytes: try contents(of: file, size: Int(status.st_size)), type: mediaType(path))
      files[path] = content
      if path.hasSuffix("/index.html") { files[String(path.dropLast("index.html".count))] = content }
    default: break
    }
  }
}

private func contents(of file: String, size: Int) throws(StaticFiles.Failure) -> [UInt8] {
  guard let stream = fopen(file, "r") else { throw StaticFiles.Failure(path: file, reason: lastError()) }
  defer { fclose(stream) }
  return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
    count = fread(buffer.baseAddress, 1, size, stream)
  }
}

private func lastError() -> String {
  String(cString: strerror(errno))
}

/// The media types of what a page is made of (the IANA registry); everything else is bytes.
private func mediaType(_ path: String) -> String {
  switch path.split(separator: ".").last {
  case "html": "text/html; charset=utf-8"
  case "css": "text/css; charset=utf-8"
  case "js", "mjs": "text/javascript; charset=utf-8"
  case "svg": "image/svg+xml"
  case "png": "image/png"
  case "ico": "image/vnd.microsoft.icon"
  case "json": "application/json"
  case "webmanifest": "application/manifest+json"
  case "txt": "text/plain; charset=utf-8"
  default: "application/octet-stream"
  }
}
