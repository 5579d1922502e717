import Basics
import Testing

@Suite struct HexadecimalTests {
  @Test(arguments: UInt8.min...UInt8.max)
  func aByteIsADigitWhereTheStandardLibrarySaysSo(byte: UInt8) {
    let expected = byte < 0x80 ? UInt8(String(Unicode.Scalar(byte)), radix: 16) : nil
    #expect(hexadecimalDigit(byte) == expected)
  }
}
