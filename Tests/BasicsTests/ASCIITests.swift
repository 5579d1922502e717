import Basics
import Testing

@Suite struct ASCIITests {
  @Test func bytesAreWhatTheirCharactersAre() {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    for byte in UInt8.min...UInt8.max {
      let character = Character(UnicodeScalar(byte))
      #expect(byte.isASCIILetter == letters.contains(character), "\(byte)")
      #expect(byte.isASCIIDigit == "0123456789".contains(character), "\(byte)")
      #expect(byte.isNameByte == (letters + "0123456789.-_").contains(character), "\(byte)")
      let lower = byte < 128 ? Character(UnicodeScalar(byte)).lowercased().utf8.first! : byte
      #expect(byte.asciiLowercased == lower, "\(byte)")
    }
  }

  @Test func numbersAreDigitsAlone() {
    #expect(UInt16(digits: "65535") == 65535 && UInt16(digits: "007") == 7 && Int(digits: "0") == 0)
    for text in ["", "+1", "-1", " 1", "1 ", "1e3", "0x1", "٥", "65536"] {
      #expect(UInt16(digits: text) == nil, "\(text)")
    }
  }

  /// Every byte at every place of texts that are shorter and longer than what is looked at at once, alone and beside
  /// bytes that borrow or carry.
  @Test func printableIsWhatEachByteIs() {
    var wrong: [[UInt8]] = []
    for count in 0...19 {
      for place in 0..<max(count, 1) {
        for byte in UInt8.min ... .max {
          for other in [UInt8(ascii: " "), UInt8(ascii: "~"), 0x00, 0x7F, 0xFF] {
            var bytes = [UInt8](repeating: other, count: count)
            if count > 0 { bytes[place] = byte }
            let isPrintable = bytes.allSatisfy { (0x20...0x7E).contains($0) }
            if bytes.withUnsafeBytes({ $0.isPrintableASCII }) != isPrintable { wrong.append(bytes) }
          }
        }
      }
    }
    #expect(wrong.isEmpty)
  }
}
