import Basics
import TestSupport
import Testing

/// Random texts, whole and damaged, read by our reader and by Foundation's.
@Suite struct JSONMutationTests {
  @Test(arguments: 1...4)
  func randomTextsAreReadAsFoundationReadsThem(seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed))
    for _ in 0..<300 {
      let text = randomText(depth: 0, using: &random)
      let expected = try #require(FoundationJSON(decoding: Array(text.utf8)), "\(text)")
      #expect(FoundationJSON(try parsed(text)) == expected, "\(text)")
    }
  }

  @Test(arguments: 1...6)
  func damagedTextsAreReadAsFoundationReadsThemOrRefused(seed: Int) {
    var random = SeededGenerator(seed: UInt64(100 + seed))
    var read = 0
    var refused = 0
    for _ in 0..<2000 {
      let bytes = damaged(Array(randomText(depth: 1, using: &random).utf8), using: &random)
      // Foundation guesses UTF-16 and UTF-32 from zeros and byte order marks; here there is UTF-8 alone.
      if bytes.contains(0) || bytes.starts(with: [0xEF, 0xBB]) || bytes.contains(0xFE) || bytes.contains(0xFF) {
        continue
      }
      judge(bytes, read: &read, refused: &refused)
    }
    #expect(read > 100 && refused > 100, "the damage is of one kind only: \(read) read, \(refused) refused")
  }

  private func judge(_ bytes: [UInt8], read: inout Int, refused: inout Int) {
    let expected = FoundationJSON(decoding: bytes)
    do throws(JSONError) {
      let value = try JSONValue(parsing: bytes)
      #expect(FoundationJSON(value) == expected, "read: \(escapedLine(bytes))")
      read += 1
    } catch {
      // Foundation lets a comma before a closing bracket pass.
      if !error.isWellFormed, !hasTrailingComma(bytes) {
        #expect(expected == nil, "refused: \(escapedLine(bytes)): \(error)")
      }
      refused += 1
    }
  }

  private func hasTrailingComma(_ bytes: [UInt8]) -> Bool {
    String(decoding: bytes, as: UTF8.self).unicodeScalars
      .filter { !["\n", "\r", "\t", " "].contains($0) }
      .reduce(into: (last: Unicode.Scalar(" "), found: false)) { state, scalar in
        if state.last == ",", scalar == "]" || scalar == "}" { state.found = true }
        state.last = scalar
      }.found
  }

  private func damaged(_ bytes: [UInt8], using random: inout SeededGenerator) -> [UInt8] {
    let marks = Array("{}[],:\"\\/u0189tfn-+.eE \n\tdD".utf8) + [0xC3, 0xA9, 0x80, 0xED, 0xA0, 0xF0, 0x1F]
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...2, using: &random) where !bytes.isEmpty {
      let place = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<5, using: &random) {
      case 0: bytes.remove(at: place)
      case 1: bytes.insert(marks.randomElement(using: &random)!, at: place)
      case 2: bytes[place] = marks.randomElement(using: &random)!
      case 3: bytes.swapAt(place, Int.random(in: 0..<bytes.count, using: &random))
      default: bytes[place] ^= 1 << UInt8.random(in: 0..<7, using: &random)
      }
    }
    return bytes
  }
}

// MARK: - Random texts

private func randomText(depth: Int, using random: inout SeededGenerator) -> String {
  let space = ["", "", "", " ", "\n", "\t\r "].randomElement(using: &random)!
  let count = depth > 3 ? 0 : Int.random(in: 0...4, using: &random)
  switch Int.random(in: 0..<8, using: &random) {
  case 0, 1, 2:
    let members = (0..<count).map { index in
      "\(space)\"\(index)\(randomCharacters(using: &random))\"\(space):\(randomText(depth: depth + 1, using: &random))"
    }
    return "\(space){\(members.joined(separator: ",\(space)"))\(space)}"
  case 3, 4:
    let elements = (0..<count).map { _ in randomText(depth: depth + 1, using: &random) }
    return "[\(elements.joined(separator: ","))\(space)]\(space)"
  case 5: return "\"\(randomCharacters(using: &random))\""
  case 6: return space + randomNumber(using: &random)
  default: return ["null", "true", "false"].randomElement(using: &random)! + space
  }
}

private func randomCharacters(using random: inout SeededGenerator) -> String {
  let pieces = [
    "a", "0", " ", "é", "日", "🙂", "\\n", "\\\"", "\\\\", "\\/", "\\u0000", "\\u00e9", "\\uD83D\\uDE42",
    "\\ud83d\\ude42", "/", "{", "]",
  ]
  return (0..<Int.random(in: 0...5, using: &random)).map { _ in pieces.randomElement(using: &random)! }.joined()
}

private func randomNumber(using random: inout SeededGenerator) -> String {
  let whole = ["0", "1", "-1", "-0", "42", "123456789"].randomElement(using: &random)!
  let fraction = ["", "", ".0", ".5", ".125"].randomElement(using: &random)!
  let exponent = ["", "", "", "e3", "E+2", "e-7"].randomElement(using: &random)!
  return whole + fraction + exponent
}
