import Basics
import TestSupport
import Testing

@Suite struct LineEscapingTests {
  @Test(
    arguments: [
      ("", ""), ("hello", "hello"), ("a b", "a b"), ("é 日本語 🙂 👩‍👩‍👧", "é 日本語 🙂 👩‍👩‍👧"), ("e\u{301}", "e\u{301}"),
      ("\n", "\\n"), ("\r\n", "\\r\\n"), ("\t", "\\t"), ("\\", "\\\\"), ("\\n", "\\\\n"), ("\u{0}", "\\u{0}"),
      ("\u{7}", "\\u{7}"), ("\u{1B}[2J", "\\u{1B}[2J"), ("\u{1F}", "\\u{1F}"), ("\u{7F}", "\\u{7F}"),
      ("\u{80}", "\\u{80}"), ("\u{85}", "\\u{85}"), ("\u{9B}31m", "\\u{9B}31m"), ("\u{9F}", "\\u{9F}"),
      ("\u{A0}", "\u{A0}"),
      ("\u{2028}\u{2029}", "\\u{2028}\\u{2029}"), ("\u{202A}\u{202E}", "\\u{202A}\\u{202E}"),
      ("\u{200E}\u{200F}\u{61C}", "\\u{200E}\\u{200F}\\u{61C}"), ("\u{2066}\u{2069}", "\\u{2066}\\u{2069}"),
      ("user\u{202E}txt.exe", "user\\u{202E}txt.exe"), ("\"quoted\"", "\"quoted\""),
    ])
  func aTextBecomesOneLine(text: String, line: String) {
    #expect(escapedLine(text) == line)
  }

  @Test(
    arguments: [
      ([0xFF], "\\xFF"), ([0x80], "\\x80"), ([0xC3], "\\xC3"), ([0xC3, 0x28], "\\xC3("),
      ([0xC0, 0xAF], "\\xC0\\xAF"), ([0xC1, 0x8A], "\\xC1\\x8A"), ([0xE0, 0x80, 0x8A], "\\xE0\\x80\\x8A"),
      ([0xF0, 0x80, 0x80, 0x8A], "\\xF0\\x80\\x80\\x8A"), ([0xE2, 0x82], "\\xE2\\x82"), ([0xE2, 0x80], "\\xE2\\x80"),
      ([0xF0, 0x9F, 0x99], "\\xF0\\x9F\\x99"), ([0xF0, 0x9F, 0x99, 0x82, 0xFF], "🙂\\xFF"),
      ([0xED, 0xA0, 0x80], "\\xED\\xA0\\x80"), ([0xF4, 0x90, 0x80, 0x80], "\\xF4\\x90\\x80\\x80"),
      ([0xFF, 0x0A, 0xFF], "\\xFF\\n\\xFF"), ([0xFF, 0x1B], "\\xFF\\x1B"), ([0xFF, 0xC2, 0x9B], "\\xFF\\xC2\\x9B"),
      ([0xC3, 0xA9, 0xC3], "é\\xC3"), ([0xE2, 0x82, 0xE2, 0x82, 0xAC], "\\xE2\\x82€"), ([0x5C, 0xFF], "\\\\\\xFF"),
      ([0xFF, 0xE2, 0x80, 0xAE, 0x61], "\\xFF\\xE2\\x80\\xAEa"), ([0x0D, 0x0A, 0x80], "\\r\\n\\x80"),
      ([0xFE, 0x00], "\\xFE\\x00"),
    ] as [([UInt8], String)])
  func bytesThatAreNoUTF8AreShownAsBytes(bytes: [UInt8], line: String) {
    #expect(escapedLine(bytes) == line)
  }

  @Test func noScalarThatControlsOrTurnsTheLineIsLeft() {
    for value in UInt32(0)...0xFFFF {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let line = escapedLine(String(scalar))
      #expect(line.unicodeScalars.allSatisfy(isHarmless), "U+\(String(value, radix: 16))")
      // What is harmless stays as it is, but for the escape's own mark.
      if isHarmless(scalar), scalar != "\\" { #expect(line == String(scalar)) }
    }
  }

  @Test(arguments: 1...4)
  func randomBytesBecomeALineThatSaysExactlyTheseBytes(seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed))
    let pieces: [[UInt8]] = [
      [0x0A], [0x0D], [0x1B], [0x5C], [0x78], [0x75], [0x7B], [0xC2, 0x85], [0xE2, 0x80, 0xA8], [0xE2, 0x80, 0xAE],
      [0xE2],
      [0xF0, 0x9F, 0x99, 0x82], [0xF0, 0x9F], [0xC0], [0xED, 0xA0, 0x80], [0xFF],
    ]
    for _ in 0..<500 {
      var bytes: [UInt8] = []
      for _ in 0..<Int.random(in: 0...12, using: &random) {
        bytes +=
          Bool.random(using: &random)
          ? pieces.randomElement(using: &random)! : [UInt8.random(in: 0...255, using: &random)]
      }
      let line = escapedLine(bytes)
      #expect(line.unicodeScalars.allSatisfy(isHarmless))
      #expect(try unescaped(line) == bytes, "\(bytes) became \(line)")
    }
  }

  /// Unicode's own word on it, rather than a list of ours.
  private func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
    let properties = scalar.properties
    return ![.control, .lineSeparator, .paragraphSeparator].contains(properties.generalCategory)
      && !properties.isBidiControl
  }

  /// Reads an escaped line back: that this is possible means that no two payloads look alike.
  private func unescaped(_ line: String) throws -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = line.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      guard scalar == "\\" else {
        bytes += Array(String(scalar).utf8)
        continue
      }
      let mark = rest.popFirst()
      switch try #require(mark) {
      case "n": bytes.append(0x0A)
      case "r": bytes.append(0x0D)
      case "t": bytes.append(0x09)
      case "\\": bytes.append(0x5C)
      case "x":
        bytes.append(try #require(UInt8(String(String.UnicodeScalarView(rest.prefix(2))), radix: 16)))
        rest = rest.dropFirst(2)
      case "u":
        let digits = rest.dropFirst().prefix { $0 != "}" }
        let value = try #require(UInt32(String(String.UnicodeScalarView(digits)), radix: 16))
        bytes += Array(String(try #require(Unicode.Scalar(value))).utf8)
        rest = rest.dropFirst(digits.count + 2)
      case let other: Issue.record("an unknown escape: \(other)")
      }
    }
    return bytes
  }
}

@Suite struct JSONEscapingTests {
  /// Every character of the first plane: one line, nothing in it that controls, and the same for a reader of JSON.
  @Test func jsonOnOneLineReadsBackAsItWas() throws {
    for value in UInt32(0)...0xFFFF {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let text = "a\(scalar)z"
      let line = escapedJSON(JSONWriter.text { $0.member("x", text) })
      let shown = String(decoding: line.dropLast(), as: UTF8.self)
      #expect(!shown.unicodeScalars.contains { escapedLine(String($0)) != String($0) && $0 != "\\" })
      guard case .object(let members) = try JSONValue(parsing: line) else { throw CancellationError() }
      #expect(members.count == 1 && members[0].value == .string(text))
    }
  }
}
