import Basics
import Glibc

/// The token that requests must carry (RFC 6750), where one is set.
struct BearerToken: Sendable {
  /// The token, with zeros behind it up to ``Limits/tokenLength``'s upper bound.
  private let padded: [UInt8]
  private let count: Int

  /// Why a text is no token.
  enum Fault: Error {
    case tooShort, tooLong, severalLines, unsendable
  }

  /// Reads a token from a file's bytes: one line, the white space around it being nobody's.
  init(_ bytes: [UInt8]) throws(Fault) {
    let isBlank: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0D).contains($0) }
    let token = Array(bytes.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    if token.contains(where: { $0 == 0x0A || $0 == 0x0D }) { throw .severalLines }
    // What a header can carry, and a client can be given in one word.
    guard token.allSatisfy({ (0x21...0x7E).contains($0) }) else { throw .unsendable }
    if token.count < Limits.tokenLength.lowerBound { throw .tooShort }
    if token.count > Limits.tokenLength.upperBound { throw .tooLong }
    count = token.count
    padded = token + [UInt8](repeating: 0, count: Limits.tokenLength.upperBound - token.count)
  }

  /// Whether an `Authorization` header carries the token: `Bearer`, in any case (RFC 9110 section 11.1), and the token.
  func isCarried(by authorization: String) -> Bool {
    var authorization = authorization
    return authorization.withUTF8 { bytes in
      let scheme = "bearer".utf8
      guard bytes.count > scheme.count, bytes[scheme.count] == UInt8(ascii: " "),
        zip(bytes, scheme).allSatisfy({ $0 | 0x20 == $1 })
      else { return false }
      let given = bytes[scheme.count...].drop { $0 == UInt8(ascii: " ") }
      return Self.isSame(given, as: padded, count)
    }
  }

  /// Whether a token is the secret one. Every byte given is compared with one of the secret's, whatever was found
  /// before: how long that takes depends on what is given alone and tells nothing of how much of it is right (CWE-208).
  ///
  /// - Parameter secret: `count` bytes, and zeros behind them.
  static func isSame(
    _ given: some Collection<UInt8>, as secret: some RandomAccessCollection<UInt8>, _ count: Int
  ) -> Bool {
    guard given.count <= secret.count else { return false }
    var difference = given.count ^ count
    for (byte, expected) in zip(given, secret) { difference |= Int(byte ^ expected) }
    return difference == 0
  }
}

// MARK: - From a file

extension BearerToken {
  /// Reads the token of `--token-file`, once, at start.
  ///
  /// - Throws: ``StartupError/badToken(file:reason:)``.
  init(file: String) throws(StartupError) {
    let bytes = try Self.contents(of: file)
    do throws(Fault) {
      self = try BearerToken(bytes)
    } catch {
      throw .badToken(file: file, reason: Self.words(error))
    }
  }

  /// At most as much as shows that it is too much: what is named may be a device that never ends.
  private static func contents(of file: String) throws(StartupError) -> [UInt8] {
    guard let stream = fopen(file, "re") else {
      throw .badToken(file: file, reason: "it cannot be read: \(String(cString: strerror(errno)))")
    }
    defer { fclose(stream) }
    let room = 4 * Limits.tokenLength.upperBound
    let bytes = [UInt8](unsafeUninitializedCapacity: room) { $1 = fread($0.baseAddress, 1, room, stream) }
    guard ferror(stream) == 0 else {
      throw .badToken(file: file, reason: "it cannot be read: \(String(cString: strerror(errno)))")
    }
    return bytes
  }

  private static func words(_ fault: Fault) -> String {
    switch fault {
    case .tooShort: "the token in it has fewer than \(Limits.tokenLength.lowerBound) characters"
    case .tooLong: "the token in it has more than \(Limits.tokenLength.upperBound) characters"
    case .severalLines: "it holds more than one line"
    case .unsendable: "the token in it holds a space or what is no ASCII character, so that no header can carry it"
    }
  }

  /// Whether others than a file's owner and group may read it, which is for the operator to know. Not refused: where
  /// containers get their secrets from, everyone inside may.
  static func isReadableByAll(_ file: String) -> Bool {
    var status = stat()
    return stat(file, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && status.st_mode & S_IROTH != 0
  }
}
