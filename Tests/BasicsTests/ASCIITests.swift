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
}
