import Basics
import TestSupport
import Testing

@Suite struct JSONReaderTests {
  @Test(
    arguments: [
      "null", "true", "false", "0", "-0", "1", "-1", "9007199254740991", "-9007199254740991", "0.1", "-0.0", "1.5e3",
      "1E+2", "1e-2", "0e0", "0.0E-0", "1.7976931348623157e308", "-1.7976931348623157e308", "2.2250738585072014e-308",
      "5e-324", "123456789012345678901234567890", "3.141592653589793238462643383279",
      "\"\"", "\"a\"", "\" \"", "\"\u{7F}\"", "\"é\"", "\"\u{E9}e\u{301}\"", "\"日本語\"", "\"🙂👩‍👩‍👧\"",
      "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u0000\"", "\"\\u0041\\u00e9\\u20AC\"", "\"\\ud83d\\uDE42\"",
      "\"\\uD800\\uDC00\\uDBFF\\uDFFF\"", "\"a\\ud83d\\ude42b\"", "\"\\\\u0041\"", "\"\\uFFFF\\uFFFE\"",
      "[]", "[ ]", "[1]", "[1,2]", "[[],[[]]]", "[null,true,false,0,\"\",[],{}]",
      "{}", "{ }", "{\"\":0}", "{\"a\":1,\"b\":2}", "{\"a\":{\"a\":{\"a\":null}}}", "{\"\\u0061\":1,\"A\":2}",
      " \t\r\n{ \t\r\n\"a\" \t\r\n: \t\r\n[ \t\r\n1 \t\r\n, \t\r\n2 \t\r\n] \t\r\n} \t\r\n",
      "\"/\"", "\"<script>\"", "[0,-0,0.0]", "{\"message\":\"hello\",\"timeout_ms\":500,\"fresh\":true}",
    ])
  func whatIsReadIsWhatFoundationReads(text: String) throws {
    let expected = try #require(FoundationJSON(decoding: Array(text.utf8)))
    #expect(FoundationJSON(try parsed(text)) == expected)
  }

  @Test func membersKeepTheirOrder() throws {
    let names = ["z", "a", "m", "", "0", "B"]
    let text = "{" + names.map { "\"\($0)\":null" }.joined(separator: ",") + "}"
    guard case .object(let members) = try parsed(text) else {
      Issue.record("no object")
      return
    }
    #expect(members.map(\.name) == names)
  }

  @Test func everyIntegerUpTo2To53IsExact() throws {
    var random = SeededGenerator(seed: 1)
    for _ in 0..<1000 {
      let integer = Int64.random(in: -(1 << 53)...(1 << 53), using: &random)
      guard case .number(let number) = try parsed("\(integer)") else {
        Issue.record("no number: \(integer)")
        return
      }
      #expect(Int64(number) == integer)
    }
  }

  @Test func numbersAreTheNearestDoubles() throws {
    var random = SeededGenerator(seed: 2)
    #expect(try parsed("0.30000000000000004") == .number(0.1 + 0.2))
    for _ in 0..<2000 {
      let double = Double(bitPattern: random.next())
      guard double.isFinite else { continue }
      #expect(try parsed("\(double)") == .number(double))
    }
  }

  @Test func everyScalarIsReadRawAndEscaped() throws {
    var scalars = (0x20...0x2FF).map { Unicode.Scalar($0)! }
    scalars += [0xD7FF, 0xE000, 0xFEFF, 0xFFFD, 0xFFFF, 0x10000, 0x1F642, 0x10FFFF].map { Unicode.Scalar($0)! }
    for scalar in scalars where scalar != "\"" && scalar != "\\" {
      #expect(try parsed("\"\(scalar)\"") == .string(String(scalar)))
      let escapes = String(scalar).utf16.map { unit in
        let digits = String(unit, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }
      #expect(try parsed("\"\(escapes.joined())\"") == .string(String(scalar)))
    }
  }

  @Test func sixteenLevelsAreReadAndSeventeenAreRefused() throws {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
      let inner = open == "[" ? "" : "null"
      func nested(_ depth: Int) -> String {
        String(repeating: open, count: depth) + inner + String(repeating: close, count: depth)
      }
      #expect(throws: Never.self) { try parsed(nested(16)) }
      let error = try #require(refusal(nested(17).utf8))
      #expect(error.isWellFormed)
      #expect(error.reason.contains("16"))
    }
  }

  @Test func depthCountsWhatIsOpenAndNotWhatWas() throws {
    let lists = String(repeating: "[[]],", count: 100) + "[]"
    #expect(throws: Never.self) { try parsed("[\(lists)]") }
  }

  @Test func aMillionOpeningBracketsAreRefusedAndDoNotOverflowTheStack() {
    #expect(refusal([UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)) != nil)
  }

  @Test(arguments: [
    (JSONValue.null, "null"), (.bool(true), "a boolean"), (.number(1), "a number"), (.string("a"), "a text"),
    (.array([]), "a list"), (.object([]), "an object"),
  ])
  func typesHaveNamesForPeople(value: JSONValue, name: String) {
    #expect(value.typeName == name)
  }
}
