import Basics
import Glibc
import Testing

/// What the reader refuses, and that it tells texts without JSON's grammar from those with contents it refuses.
@Suite struct JSONRefusalTests {
  @Test(
    arguments: [
      "", " ", "\n", "nul", "nulll", "NULL", "True", "tru", "falsee", "undefined", "NaN", "Infinity", "-Infinity",
      "+1", "-", "--1", "01", "-01", "00", "1.", ".5", "-.5", "1.e1", "1e", "1e+", "1e-", "1ee1", "1e1.5", "0x10",
      "1_000",
      "1,", "1 2", "1a", "0 0", "１",
      "\"", "\"a", "'a'", "a", "\"a\"b", "\"\\\"", "\"\\", "\"\\a\"", "\"\\x41\"", "\"\\0\"", "\"\\U0041\"", "\"\\u\"",
      "\"\\u004\"", "\"\\u004g\"", "\"\\u+041\"", "\"\\u 041\"", "\"\\u00", "\"\\ud83d\\u12\"", "\"\\ud83d\\uzzzz\"",
      "\"\n\"", "\"\t\"", "\"\r\"", "\"\u{0}\"", "\"\u{1F}\"", "\"\\n\n\"", "\"\\\n\"",
      "[", "]", "[1", "[1,", "[1,]", "[,1]", "[,]", "[1 2]", "[1;2]", "[1,,2]", "[1}", "[\"a\"", "[]]", "[[]",
      "{", "}", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{,}", "{\"a\",1}", "{\"a\"}", "{\"a\" 1}",
      "{a:1}", "{'a':1}", "{1:1}", "{null:1}", "{\"a\":1 \"b\":2}", "{\"a\":1;\"b\":2}", "{\"a\"::1}", "{\"a\":1]",
      "{}{}",
      "{\"a\":1}}", "{\"a\":}", "{:1}", "{[]:1}", "{\"a\n\":1}",
      "// c\n1", "/* c */1", "1 // c", "# c\n1", "\u{FEFF}null", "\u{FEFF}{}", "\u{A0}1", "1\u{A0}", "\u{B}1", "\u{C}1",
      "1\u{0}", "\u{0}", "\u{2028}1", "{}\u{85}",
    ])
  func whatRFC8259DoesNotAllowHasNoGrammar(text: String) throws {
    let error = try #require(refusal(text.utf8), "was read")
    #expect(!error.isWellFormed, "\(error)")
    #expect((0...text.utf8.count).contains(error.offset))
  }

  @Test(
    arguments: [
      "{\"a\":1,\"a\":1}", "{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":1,\"\\u0061\":2}", "{\"\":1,\"\":2}",
      "[{\"x\":{\"a\":null,\"a\":null}}]", "{\"\\ud83d\\ude42\":1,\"🙂\":2}",
      "\"\\ud800\"", "\"\\udc00\"", "\"\\udfff\"", "\"\\udbff\"", "\"\\ud800x\"", "\"\\ud800\\n\"",
      "\"\\ud800\\ud800\"",
      "\"\\ud800\\u0041\"", "\"\\udc00\\ud800\"", "{\"\\ud800\":1}", "\"\\ud83d\\ude42\\ud83d\"",
      "1e309", "-1e309", "1e99999999999", "[1e400]", "17976931348623157" + String(repeating: "0", count: 300),
    ])
  func whatIsRefusedForItsContentIsWellFormed(text: String) throws {
    let error = try #require(refusal(text.utf8), "was read")
    #expect(error.isWellFormed, "\(error)")
  }

  @Test(
    arguments: [
      [0x80], [0xBF], [0xFF], [0xFE], [0xC0, 0x80], [0xC1, 0xBF], [0xC3], [0xC3, 0x28], [0xE0, 0x80, 0x80],
      [0xE2, 0x82], [0xE2, 0x28, 0xA1], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80],
      [0xF0, 0x9F, 0x99], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80],
    ] as [[UInt8]])
  func bytesThatAreNoUTF8AreRefusedInAnyText(bytes: [UInt8]) throws {
    let quote = UInt8(ascii: "\"")
    for text in [
      [quote] + bytes + [quote], Array("\"\\n".utf8) + bytes + [quote],
      Array("{\"a".utf8) + bytes + Array("\":1}".utf8),
    ] {
      let error = try #require(refusal(text), "was read")
      #expect(error.isWellFormed, "\(error)")
    }
    #expect(refusal(bytes)?.isWellFormed == false)
  }

  @Test func twoSpellingsOfOneLookAreTwoNames() throws {
    // RFC 8259 section 8.3: names are compared code unit by code unit, without normalisation.
    guard case .object(let members) = try parsed("{\"\\u00e9\":1,\"e\\u0301\":2}") else {
      Issue.record("no object")
      return
    }
    #expect(members.map { Array($0.name.utf8) } == [[0xC3, 0xA9], [0x65, 0xCC, 0x81]])
  }

  @Test func aDoubledMemberIsNamedOnOneLineAndPlaced() throws {
    let error = try #require(refusal("{\"a\\n\":1, \"a\\n\":2}".utf8))
    #expect(error.reason.contains("'a\\n'"))
    #expect(error.offset == 10)
    #expect(error.description == "\(error.reason) at byte 10")
  }

  @Test(arguments: [
    ("[1,x]", 3), ("{\"a\" 1}", 5), ("truth", 0), ("{\"a\":1} x", 8), ("\"\\q\"", 1), ("\"\\ud800\"", 1),
  ])
  func theOffsetIsWhereItWentWrong(text: String, offset: Int) {
    #expect(refusal(text.utf8)?.offset == offset)
  }

  /// A search through all members before would be two thousand million comparisons in the largest body, and hold up
  /// its loop for seconds.
  @Test func namesAreFoundDoubledInAboutLinearTime() throws {
    func cost(_ count: Int) throws -> Int {
      let bytes = Array("{\((0..<count).map { "\"\($0)\":1" }.joined(separator: ","))}".utf8)
      let started = processorTime()
      _ = try JSONValue(parsing: bytes)
      return processorTime() - started
    }
    let few = try (0..<5).map { _ in try cost(1_000) }.min()!
    let many = try (0..<3).map { _ in try cost(16_000) }.min()!
    // Sixteen times the members: quadratic would be 256 times the cost.
    #expect(many < 80 * few, "1,000 members: \(few) ns, 16,000: \(many) ns")
  }
}

/// What this thread has cost so far, in nanoseconds; other threads' load is not in it.
private func processorTime() -> Int {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return time.tv_sec * 1_000_000_000 + time.tv_nsec
}
