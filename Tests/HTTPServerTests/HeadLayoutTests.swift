@testable import HTTPServer
import Testing

/// Heads laid out in memory as libmicrohttpd before 1.0 leaves them.
@Suite struct HeadLayoutTests {
  /// Whether a head is exact that was parsed into these C strings: the method, the target, the version, and then names
  /// and values. `|` stands for NUL.
  func isExact(_ memory: String, _ parts: [String], size: Int? = nil) -> Bool {
    let bytes = memory.utf8.map { $0 == UInt8(ascii: "|") ? 0 : CChar(bitPattern: $0) }
    return bytes.withUnsafeBufferPointer { buffer in
      var from = 0
      let places = parts.map { part in
        let place = buffer[from...].indices.first { start in
          part.utf8.elementsEqual(buffer[start...].prefix(part.utf8.count).map(UInt8.init(bitPattern:)))
        }!
        from = place + part.utf8.count
        return buffer.baseAddress! + place
      }
      let target = UInt(bitPattern: places[1])
      var layout = HeadLayout(
        method: places[0], target: target..<target + UInt(parts[1].utf8.count), version: places[2])
      func piece(_ index: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: places[index], count: parts[index].utf8.count)
      }
      for field in stride(from: 3, to: parts.count, by: 2) {
        layout.note(PackedFields.Entry(name: piece(field), value: piece(field + 1)))
      }
      return layout.isExact(size: size ?? bytes.count)
    }
  }

  static let line = ["GET", "/", "HTTP/1.1"]

  @Test func whatEndsInCRLFIsExact() {
    #expect(isExact("GET|/|HTTP/1.1||||", Self.line))
    #expect(isExact("GET|/|HTTP/1.1||Host|a||||", Self.line + ["Host", "a"]))
    #expect(isExact("GET|/|HTTP/1.1||Host| \ta ||X|y||||", Self.line + ["Host", "a ", "X", "y"]))
  }

  @Test func whatDoesNotIsNot() {
    #expect(!isExact("GET|/|HTTP/1.1|Host|a||||", Self.line + ["Host", "a"]), "LF behind the request line")
    #expect(!isExact("GET|/|HTTP/1.1||Host|a|X|y||||", Self.line + ["Host", "a", "X", "y"]), "LF behind a field")
    #expect(!isExact("GET|/|HTTP/1.1||Host|a|||", Self.line + ["Host", "a"]), "LF behind the last field")
    #expect(!isExact("GET|/|HTTP/1.1||Host|a|b||X|y||||", Self.line + ["Host", "a", "X", "y"]), "NUL in a value")
    #expect(!isExact("GET|/|HTTP/1.1||Host|a|b||||", Self.line + ["Host", "a"]), "NUL in the last value")
    #expect(!isExact("GET|/|HTTP/1.1||Host|a|bc|", Self.line + ["Host", "a"]), "NUL, and LF twice")
    #expect(!isExact("GE|T|/|HTTP/1.1||||", ["GE", "/", "HTTP/1.1"]), "NUL in the method")
    #expect(!isExact("GET|/|x|HTTP/1.1||||", Self.line), "NUL in the target")
    #expect(!isExact("GET| /|HTTP/1.1||||", Self.line), "two spaces")
    #expect(!isExact("GET|/|HTTP/1.1||Xz||y|| z||Host|Xz|a||||", Self.line + ["Xz", "y", "Host", "a"]), "folded")
  }

  @Test func theSizeIsOfTheHeadAlone() {
    #expect(isExact("GET|/|HTTP/1.1||||body", Self.line, size: 18))
    #expect(!isExact("GET|/|HTTP/1.1||||body", Self.line, size: 17), "LF alone as the blank line")
  }

  @Test func aRequestBeginsWhereTheFirstOneDidOrOneBlankLineLater() {
    func accepted(_ starts: [UInt], firstBehind offset: UInt? = 0) -> [Bool] {
      var origin = HeadOrigin(firstBehind: offset)
      return starts.map { origin.isAcceptable($0) }
    }
    #expect(accepted([0x1000, 0x1002, 0x1000]) == [true, true, true])
    #expect(accepted([0x1000, 0x1001, 0x1003, 0x1004, 0x1010, 0xFF0]) == [true, false, false, false, false, false])
    #expect(accepted([0x1002, 0x1000, 0x1002, 0x1004], firstBehind: 2) == [true, true, true, false])
  }

  @Test func whereTheFirstOneIsSealedTheLowestPlaceIsTheOrigin() {
    func accepted(_ starts: [UInt]) -> [Bool] {
      var origin = HeadOrigin(firstBehind: nil)
      return starts.map { origin.isAcceptable($0) }
    }
    #expect(accepted([0x1000, 0x1002, 0x1000, 0x1001, 0x1004]) == [true, true, true, false, false])
    #expect(accepted([0x1002, 0x1000, 0x1002, 0x1004]) == [true, true, true, false], "a blank line before the first")
  }
}

@Suite struct OpeningTests {
  func opening(_ text: String) -> Opening {
    Array(text.utf8).withUnsafeBytes { Opening($0) }
  }

  @Test func aMethodAndASpaceBeginARequest() {
    #expect(opening("GET / HTTP/1.1\r\n") == .request(behind: 0))
    #expect(opening("M-SEARCH ") == .request(behind: 0))
    #expect(
      opening(String(repeating: "A", count: Opening.size)) == .request(behind: 0), "longer than what is looked at")
  }

  @Test func oneBlankLineMayComeBefore() {
    #expect(opening("\r\nGET /") == .request(behind: 2))
    for lines in 2...16 { #expect(opening(String(repeating: "\r\n", count: lines) + "GET /") == .refused) }
  }

  @Test func whatMayStillBecomeOneIsWaitedFor() {
    for text in ["\r", "\r\n", "G", "GET", "\r\nGET"] { #expect(opening(text) == .incomplete, "\(text)") }
  }

  @Test(arguments: [
    "\0", "\n", " ", "\rG", "\r\r", "\n\nGET /", "\0\r\nGET /", "\r\n\0", "\r\n\r", "\r\n ", "GET\t/", "GET\r\n",
    "GET\0 /",
    "G:T /", "\u{16}\u{3}\u{1}\u{2}",
  ])
  func nothingElseBeginsOne(text: String) {
    #expect(opening(text) == .refused)
  }
}
