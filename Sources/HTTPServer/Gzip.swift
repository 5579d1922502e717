/// Compresses what is sent often and read once: the page's files, when the server starts.
///
/// One block with the fixed Huffman codes: for files of some kilobytes, their own codes would save a tenth more.
enum Gzip {
  /// A gzip file of one member (RFC 1952).
  static func compress(_ bytes: [UInt8]) -> [UInt8] {
    var output = DeflateWriter()
    // Magic, deflate, no flags, no time, no hints, system unknown.
    for byte: UInt8 in [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255] { output.bits(UInt32(byte), 8) }
    output.bits(0b011, 3)  // The last block, with fixed codes.
    deflate(bytes, into: &output)
    output.endOfBlock()
    output.align()
    for value in [crc32(bytes), UInt32(truncatingIfNeeded: bytes.count)] {
      output.bits(value & 0xffff, 16)
      output.bits(value >> 16, 16)
    }
    return output.bytes
  }

  /// The longest match that a code can say, and how far back (RFC 1951, section 3.2.5).
  private static let longestMatch = 258
  private static let window = 32_768

  /// How many earlier places are tried for a match. More makes the page's files no smaller.
  private static let patience = 128

  /// Takes the longest match at each place, unless a longer one begins at the next byte.
  private static func deflate(_ bytes: [UInt8], into output: inout DeflateWriter) {
    var places = Places(bytes)
    var index = 0
    var match = places.match(at: 0)
    while index < bytes.count {
      places.remember(index)
      let next = places.match(at: index + 1)
      guard match.length >= 3, match.length >= next.length else {
        output.literal(bytes[index])
        (index, match) = (index + 1, next)
        continue
      }
      output.match(length: match.length, distance: match.distance)
      let end = index + match.length
      for skipped in index + 1..<end { places.remember(skipped) }
      (index, match) = (end, places.match(at: end))
    }
  }

  /// Where each run of three bytes was seen, the latest first.
  private struct Places {
    private let bytes: [UInt8]
    private var latest: [UInt32: Int] = [:]
    private var before: [Int]

    init(_ bytes: [UInt8]) {
      self.bytes = bytes
      before = Array(repeating: -1, count: bytes.count)
    }

    private func run(at index: Int) -> UInt32? {
      guard index + 2 < bytes.count else { return nil }
      return UInt32(bytes[index]) << 16 | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2])
    }

    mutating func remember(_ index: Int) {
      guard let run = run(at: index) else { return }
      before[index] = latest.updateValue(index, forKey: run) ?? -1
    }

    /// The longest match with what was remembered; of equally long ones the nearest, whose code is shorter.
    func match(at index: Int) -> (length: Int, distance: Int) {
      var best = (length: 0, distance: 0)
      guard let run = run(at: index), var place = latest[run] else { return best }
      let limit = min(longestMatch, bytes.count - index)
      for _ in 0..<patience where place >= 0 && index - place <= window {
        var length = 3
        while length < limit, bytes[place + length] == bytes[index + length] { length += 1 }
        if length > best.length { best = (length, index - place) }
        place = before[place]
      }
      return best
    }
  }

  /// The checksum of RFC 1952, section 8, bit by bit: the page is small, and a table would be larger than this.
  private static func crc32(_ bytes: [UInt8]) -> UInt32 {
    var checksum = UInt32.max
    for byte in bytes {
      checksum ^= UInt32(byte)
      for _ in 0..<8 { checksum = checksum & 1 == 0 ? checksum >> 1 : (checksum >> 1) ^ 0xedb8_8320 }
    }
    return ~checksum
  }
}

/// Bits in the order of RFC 1951, section 3.1.1, with the fixed codes of section 3.2.6.
private struct DeflateWriter {
  private(set) var bytes: [UInt8] = []
  private var pending: UInt32 = 0
  private var count = 0

  /// The first value of each code for a length from 3, and for a distance from 1: as many values as its extra bits
  /// make.
  private static let lengths = bases(extraBits: (0..<28).map { max(0, $0 / 4 - 1) }, from: 3)
  private static let distances = bases(extraBits: (0..<30).map { max(0, $0 / 2 - 1) }, from: 1)

  private static func bases(extraBits: [Int], from first: Int) -> [(first: Int, extraBits: Int)] {
    var next = first
    return extraBits.map { bits in
      defer { next += 1 << bits }
      return (next, bits)
    }
  }

  /// A value of up to 16 bits, its lowest bit first.
  mutating func bits(_ value: UInt32, _ width: Int) {
    pending |= value << count
    count += width
    while count >= 8 {
      bytes.append(UInt8(truncatingIfNeeded: pending))
      pending >>= 8
      count -= 8
    }
  }

  mutating func align() {
    if count > 0 { bits(0, 8 - count) }
  }

  mutating func literal(_ byte: UInt8) {
    symbol(Int(byte))
  }

  mutating func endOfBlock() {
    symbol(256)
  }

  mutating func match(length: Int, distance: Int) {
    if length == 258 {
      symbol(285)  // A code of its own, without extra bits.
    } else {
      let code = Self.lengths.lastIndex { $0.first <= length }!
      symbol(257 + code)
      bits(UInt32(length - Self.lengths[code].first), Self.lengths[code].extraBits)
    }
    let code = Self.distances.lastIndex { $0.first <= distance }!
    huffman(UInt32(code), 5)
    bits(UInt32(distance - Self.distances[code].first), Self.distances[code].extraBits)
  }

  private mutating func symbol(_ symbol: Int) {
    let value = UInt32(symbol)
    switch symbol {
    case ..<144: huffman(0x30 + value, 8)
    case ..<256: huffman(0x190 + value - 144, 9)
    case ..<280: huffman(value - 256, 7)
    default: huffman(0xc0 + value - 280, 8)
    }
  }

  /// Huffman codes stand with their highest bit first.
  private mutating func huffman(_ code: UInt32, _ width: Int) {
    var code = code
    var reversed: UInt32 = 0
    for _ in 0..<width {
      reversed = reversed << 1 | code & 1
      code >>= 1
    }
    bits(reversed, width)
  }
}
