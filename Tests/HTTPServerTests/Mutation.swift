import TestSupport

/// Makes trials from the corpus: files one after the other, damaged here and there, cut into pieces. The same seed
/// makes the same trial.
struct Mutation {
  private var random: SeededGenerator
  private let files: [[UInt8]]

  static func trial(seed: UInt64, files: [[UInt8]]) -> Trial {
    var mutation = Mutation(random: SeededGenerator(seed: seed), files: files)
    return mutation.trial(seed)
  }

  private mutating func trial(_ seed: UInt64) -> Trial {
    var bytes: [UInt8] = []
    for _ in 0..<pick([1, 1, 2, 3]) { bytes += pick(files) }
    for _ in 0..<pick([0, 1, 1, 1, 2, 2, 3, 5]) { damage(&bytes) }
    bytes = Array(bytes.prefix(4000))
    let cuts = (0..<pick([0, 0, 1, 2, 3])).map { _ in Int.random(in: 0...bytes.count, using: &random) }
    return Trial(name: "seed \(seed)", bytes: bytes, cuts: cuts.sorted())
  }

  private mutating func damage(_ bytes: inout [UInt8]) {
    let place = Int.random(in: 0...bytes.count, using: &random)
    let range = place..<min(bytes.count, place + pick([1, 1, 2, 5, 20, 100]))
    switch Int.random(in: 0..<10, using: &random) {
    case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 1 where place < bytes.count: bytes[place] = UInt8.random(in: 0...255, using: &random)
    case 2: bytes.removeSubrange(range)
    case 3: bytes.insert(contentsOf: bytes[range], at: place)
    case 4: bytes.insert(contentsOf: bytes[range], at: Int.random(in: 0...bytes.count, using: &random))
    case 5: bytes.insert(contentsOf: piece(of: pick(files)), at: place)
    case 6: lineEnd(&bytes, after: place)
    default: bytes.insert(contentsOf: pick(Self.tokens), at: place)
    }
  }

  private mutating func piece(of file: [UInt8]) -> ArraySlice<UInt8> {
    let start = Int.random(in: 0..<file.count, using: &random)
    return file[start..<Int.random(in: start...file.count, using: &random)]
  }

  /// Does something to the next CRLF.
  private mutating func lineEnd(_ bytes: inout [UInt8], after place: Int) {
    guard let feed = bytes[place...].firstIndex(of: 10), feed > 0 else { return }
    bytes.replaceSubrange((feed - 1)...feed, with: pick(Self.lineEnds))
  }

  private mutating func pick<Element>(_ elements: [Element]) -> Element { elements.randomElement(using: &random)! }

  private static let lineEnds = [
    "\n", "\r", "", "\0\n", "\r\0", "\n\r", "\r\r\n", "\r\n\r\n", "\r\n ", "\r\n\t", "\0\r\n",
  ]
  .map { Array($0.utf8) }

  /// What parsers look for.
  private static let tokens =
    lineEnds
    + [
      "\0", "\t", " ", ":", ";", ",", "%", "/", "?", "#", "*", "\"", "=", "-", "+", "\u{B}", "\u{7F}", "0", "1", "5",
      "a",
      "5\r\nhello\r\n", "0\r\n\r\n", "0\r\n", "GET / HTTP/1.1\r\n", "POST /later HTTP/1.1\r\n", "HTTP/1.1", "HTTP/1.0",
      "Host: b\r\n", "Content-Length: 5\r\n", "Content-Length: 0\r\n", "Transfer-Encoding: chunked\r\n", " chunked",
      "Transfer-Encoding: gzip\r\n", "Connection: close\r\n", "Connection: keep-alive\r\n", "Via: 1.1 front\r\n",
      "Expect: 100-continue\r\n",
      "Cookie: a=b; c\r\n", "X: y\r\n z\r\n", "-Length", "%00", "%2F", "%41", "\u{E9}", "18446744073709551616",
    ].map { Array($0.utf8) }
}
