import Basics

/// What the datagrams of a series carry, as a function of their number: a reply is compared byte for byte, and nothing
/// that was sent is stored.
///
/// A payload begins with one word of 64 bits three times, little-endian: the number in the lower 40 and the series' tag
/// in the upper 24. The majority of the three is read, bit by bit, so that one flipped bit anywhere is still laid to
/// its number. What follows is drawn from a generator that begins with that word.
public struct ProbePayload: Sendable {
  /// The payload's length in bytes, at least 24.
  public let size: Int
  /// In the place that it has in a word.
  private let tag: UInt64

  private static let numberBits: UInt64 = 40
  private static let head = 3 * MemoryLayout<UInt64>.size

  /// Payloads of a series.
  ///
  /// - Parameter tag: tells the series from others; its lower 24 bits are used.
  public init(size: Int, tag: UInt32) {
    precondition(size >= Self.head, "a probe has its number three times")
    self.size = size
    self.tag = UInt64(tag) << Self.numberBits
  }

  /// Fills a datagram of ``size`` bytes with the payload of a number, which is below 2⁴⁰.
  public func write(_ number: UInt64, into datagram: inout [UInt8]) {
    let word = tag | number
    datagram.withUnsafeMutableBytes { bytes in
      for offset in stride(from: 0, to: Self.head, by: 8) {
        bytes.storeBytes(of: word.littleEndian, toByteOffset: offset, as: UInt64.self)
      }
      var filler = Filler(word)
      var offset = Self.head
      while offset < size {
        withUnsafeBytes(of: filler.next().littleEndian) { piece in
          bytes[offset..<min(offset + 8, size)].copyBytes(from: piece.prefix(size - offset))
        }
        offset += 8
      }
    }
  }

  /// The number in what came back, or in as much as an ICMP message quotes; nil where there is none of this series.
  public func number(in bytes: UnsafeRawBufferPointer) -> UInt64? {
    guard let word = Self.word(in: bytes), word >> Self.numberBits == tag >> Self.numberBits else { return nil }
    return word & (1 << Self.numberBits - 1)
  }

  /// The majority of three, or the first where the others were cut off.
  private static func word(in bytes: UnsafeRawBufferPointer) -> UInt64? {
    func word(at offset: Int) -> UInt64 {
      UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
    guard bytes.count >= head else { return bytes.count >= 8 ? word(at: 0) : nil }
    let (first, second, third) = (word(at: 0), word(at: 8), word(at: 16))
    return first & second | second & third | first & third
  }

  /// Whether what came back is, byte for byte, the payload of a number.
  public func isExact(_ bytes: UnsafeRawBufferPointer, for number: UInt64) -> Bool {
    guard bytes.count == size else { return false }
    let word = tag | number
    for offset in stride(from: 0, to: Self.head, by: 8) {
      guard UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) == word else {
        return false
      }
    }
    var filler = Filler(word)
    for offset in stride(from: Self.head, to: size, by: 8) {
      let isSame = withUnsafeBytes(of: filler.next().littleEndian) { piece in
        bytes[offset..<min(offset + 8, size)].elementsEqual(piece.prefix(size - offset))
      }
      guard isSame else { return false }
    }
    return true
  }

  /// SplitMix64: well mixed, and a few instructions a word.
  private struct Filler {
    private var state: UInt64

    init(_ seed: UInt64) {
      state = seed
    }

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
      return mixed ^ mixed >> 31
    }
  }
}
