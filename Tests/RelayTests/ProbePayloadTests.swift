import Relay
import TestSupport
import Testing

@Suite struct ProbePayloadTests {
  private func datagram(_ number: UInt64, size: Int, tag: UInt32) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xAA, count: size)
    ProbePayload(size: size, tag: tag).write(number, into: &bytes)
    return bytes
  }

  @Test(arguments: [24, 25, 31, 32, 33, 64, 1472, 65_507])
  func whatIsWrittenIsReadAndExact(size: Int) {
    let payload = ProbePayload(size: size, tag: 0xFFAB_CDEF)
    for number in [1, 2, 255, 256, 65_535, 65_536, 1 << 32, 1 << 40 - 1] as [UInt64] {
      let bytes = datagram(number, size: size, tag: 0xFFAB_CDEF)
      bytes.withUnsafeBytes { bytes in
        #expect(payload.number(in: bytes) == number)
        #expect(payload.isExact(bytes, for: number))
        #expect(!payload.isExact(bytes, for: number ^ 1))
      }
    }
  }

  @Test(arguments: [24, 29, 64]) func oneFlippedBitAnywhereIsSeenAndStillAttributed(size: Int) {
    let payload = ProbePayload(size: size, tag: 0x5A5A5A)
    var bytes = datagram(1234, size: size, tag: 0x5A5A5A)
    for bit in 0..<size * 8 {
      bytes[bit / 8] ^= 1 << (bit % 8)
      bytes.withUnsafeBytes { bytes in
        #expect(payload.number(in: bytes) == 1234, "bit \(bit)")
        #expect(!payload.isExact(bytes, for: 1234), "bit \(bit)")
      }
      bytes[bit / 8] ^= 1 << (bit % 8)
    }
  }

  @Test func anotherLengthIsNotExactAndStillAttributedWhileANumberIsThere() {
    let payload = ProbePayload(size: 64, tag: 7)
    let bytes = datagram(99, size: 64, tag: 7)
    for count in 0..<64 {
      bytes[..<count].withUnsafeBytes { bytes in
        #expect(payload.number(in: bytes) == (count < 8 ? nil : 99))
        #expect(!payload.isExact(bytes, for: 99))
      }
    }
    (bytes + [0]).withUnsafeBytes { #expect(payload.number(in: $0) == 99 && !payload.isExact($0, for: 99)) }
  }

  @Test func anotherSeriesIsNotTaken() {
    let payload = ProbePayload(size: 24, tag: 7)
    datagram(5, size: 24, tag: 8).withUnsafeBytes { #expect(payload.number(in: $0) == nil) }
    [UInt8](repeating: 0, count: 24).withUnsafeBytes { #expect(payload.number(in: $0) == nil) }
  }

  /// What follows the head differs from number to number, so one datagram's filler behind another's head is seen.
  @Test func theFillerIsOfItsNumber() {
    let first = datagram(1, size: 64, tag: 7)
    let second = datagram(2, size: 64, tag: 7)
    (second[..<24] + first[24...]).withUnsafeBytes { mixed in
      #expect(ProbePayload(size: 64, tag: 7).number(in: mixed) == 2)
      #expect(!ProbePayload(size: 64, tag: 7).isExact(mixed, for: 2))
    }
  }
}
