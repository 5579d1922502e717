import Basics
import Foundation
import TestSupport
import Testing

@Suite struct JSONWriterTests {
  private static let texts: [String] =
    (0...0xFF).map { String(Unicode.Scalar(UInt8($0))) } + [
      "", " ", "hello", "\"", "\\", "\\\"", "\\n", "\\u0041", "/", "</script>", "\u{2028}\u{2029}", "\u{202E}",
      "\u{FEFF}",
      "🙂", "👩‍👩‍👧", "e\u{301}", "\u{E9}", "\r\n", "a\u{0}b", "日本語", "\u{10FFFF}", "\u{FFFF}",
    ]

  @Test(arguments: texts)
  func everyTextIsReadBackByFoundation(text: String) throws {
    let bytes = JSONWriter.text { $0.member("text", text) }
    let read = try JSONDecoder().decode([String: String].self, from: Data(bytes))
    #expect(read.mapValues { Array($0.utf8) } == ["text": Array(text.utf8)])
  }

  @Test(arguments: texts)
  func everyNameOfRunTimeIsReadBackByFoundation(name: String) throws {
    let bytes = JSONWriter.text { writer in
      writer.member("first", true)
      writer.object("names") { $0.member(escaping: name, -5) }
      writer.member(escaping: "last" + name, 6)
    }
    let read = try #require(FoundationJSON(decoding: Array(bytes)))
    // Foundation takes a mark at a text's start for that of its encoding.
    guard !name.hasPrefix("\u{FEFF}") else { return }
    let names = FoundationJSON.object([Array(name.utf8): .number(-5)])
    let expected: [[UInt8]: FoundationJSON] = [
      Array("first".utf8): .bool(true), Array("names".utf8): names, Array(("last" + name).utf8): .number(6),
    ]
    #expect(read == .object(expected))
  }

  @Test func randomTextsAreReadBackByFoundation() throws {
    var random = SeededGenerator(seed: 7)
    for _ in 0..<500 {
      let scalars = (0..<Int.random(in: 0...20, using: &random)).compactMap { _ in
        Unicode.Scalar(
          UInt32.random(in: 0...[0x7F, 0x7FF, 0xFFFF, 0x10FFFF].randomElement(using: &random)!, using: &random))
      }
      var text = ""
      text.unicodeScalars.append(contentsOf: scalars)
      let bytes = JSONWriter.text { writer in writer.array("texts") { $0.element(text) } }
      let read = try JSONDecoder().decode([String: [String]].self, from: Data(bytes))
      #expect(read["texts"].map { $0.map { Array($0.utf8) } } == [Array(text.utf8)])
    }
  }

  @Test func ourOwnReaderReadsItToo() throws {
    for text in Self.texts {
      let read = try JSONValue(parsing: JSONWriter.text { $0.member("text", text) })
      #expect(FoundationJSON(read) == .object([Array("text".utf8): .string(Array(text.utf8))]))
    }
  }

  @Test(arguments: [0, 1, 7, 300]) func aTextGrowsPastItsRoom(capacity: Int) throws {
    var writer = JSONWriter(capacity: capacity)
    let texts = (0..<50).map { String(repeating: "ab", count: $0 * 7 % 90) }
    writer.array { json in for text in texts { json.element(text) } }
    let bytes = writer.bytes
    #expect(try JSONDecoder().decode([String].self, from: Data(bytes)) == texts)
  }

  @Test func noControlCharacterIsWrittenBare() {
    let all = String(String.UnicodeScalarView((0...0x7F).map { Unicode.Scalar(UInt8($0)) }))
    let bytes = JSONWriter.text { writer in
      writer.member("text", all)
      writer.member(escaping: all, 1)
    }
    #expect(bytes.dropLast().allSatisfy { $0 >= 0x20 && $0 != 0x7F })
    #expect(bytes.last == 0x0A)
  }

  @Test func membersAndElementsAreSeparatedWhereverTheyStand() throws {
    let bytes = JSONWriter.text { writer in
      writer.object("empty") { _ in }
      writer.array("none") { _ in }
      writer.member("null", nil)
      writer.member("yes", true)
      writer.member("no", false)
      writer.array("list") { list in
        list.object { $0.member("a", 1) }
        list.element("b")
        list.object { _ in }
        list.element("")
      }
      writer.object("nested") { $0.object("deeper") { $0.member("x", "y") } }
      writer.member("span", milliseconds: Nanoseconds(84_000))
      writer.member("last", -1)
    }
    let text =
      #"{"empty":{},"none":[],"null":null,"yes":true,"no":false,"list":[{"a":1},"b",{},""],"#
      + #""nested":{"deeper":{"x":"y"}},"span":0.084,"last":-1}"# + "\n"
    #expect(String(decoding: bytes, as: UTF8.self) == text)
    #expect(FoundationJSON(decoding: bytes) != nil)
  }

  @Test func integersAreWrittenWhole() throws {
    struct Integers: Decodable, Equatable {
      var least: Int64, most: Int64, largest: UInt64, byte: UInt8
    }
    let bytes = JSONWriter.text { writer in
      writer.member("least", Int64.min)
      writer.member("most", Int64.max)
      writer.member("largest", UInt64.max)
      writer.member("byte", UInt8.max)
    }
    let read = try JSONDecoder().decode(Integers.self, from: Data(bytes))
    #expect(read == Integers(least: .min, most: .max, largest: .max, byte: .max))
  }

  @Test func aWriterStartsEmptyAndKeepsWhatIsWritten() {
    var writer = JSONWriter(capacity: 0)
    var texts = [writer.bytes]
    writer.object { $0.member("a", "b") }
    texts.append(writer.bytes)
    writer.newline()
    texts.append(writer.bytes)
    #expect(texts == ["", #"{"a":"b"}"#, "{\"a\":\"b\"}\n"].map { Array($0.utf8) })
  }

  @Test func bytesAreATextOrNull() throws {
    for (bytes, written) in [
      (Array("a \"b\" \n".utf8), #"{"t":"a \"b\" \n"}"#), ([], #"{"t":""}"#), (Array("ä€𐍈".utf8), #"{"t":"ä€𐍈"}"#),
      ([0x61, 0xC3], #"{"t":null}"#), ([0xED, 0xA0, 0x80], #"{"t":null}"#), ([0xFF], #"{"t":null}"#),
    ] as [([UInt8], String)] {
      var isText = false
      let text = JSONWriter.text { isText = $0.member("t", utf8: bytes.span) }
      #expect(text == Array(written.utf8) + [0x0A])
      #expect(isText == (String(validating: bytes, as: UTF8.self) != nil))
    }
  }

  @Test(arguments: [0, 1, 600]) func aTextThatIsWrittenInPlaceHasItsRoom(length: Int) {
    let text = JSONWriter.text { json in
      json.member("t", upTo: length) { room in
        room.update(repeating: UInt8(ascii: "x"), count: length)
        return length
      }
      json.member("n", 1)
    }
    #expect(text == Array("{\"t\":\"\(String(repeating: "x", count: length))\",\"n\":1}\n".utf8))
  }
}
