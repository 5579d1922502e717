import Basics
@testable import HTTPServer
import Testing

@Suite struct HeaderGuardTests {
  typealias Fields = [(String, String)]

  func refusal(
    _ method: String = "POST", _ target: String = "/", _ version: String = "HTTP/1.1",
    _ fields: Fields = [("Host", "localhost")]
  ) -> HTTPRefusal? {
    var list = HTTPFields()
    for (name, value) in fields { list.append(name, value) }
    let plainness = plainness(of: list)
    let refusal = HeaderGuard(
      method: HTTPMethod(rawValue: method), target: target, version: HTTPVersion(version), fields: list
    ).refusal()
    let short = HeaderGuard(
      method: HTTPMethod(rawValue: method), target: target, version: HTTPVersion(version), fields: list,
      plainness: plainness)
    #expect(short.refusal() == refusal, "what is known beforehand changes nothing")
    return refusal
  }

  func plainness(of fields: HTTPFields) -> Plainness {
    fields.own.withEntries { entries in
      var plainness = Plainness()
      for entry in entries { plainness.note(entry) }
      return plainness
    }
  }

  @Test func onlyWhatIsBeyondDoubtIsPlain() {
    func isPlain(_ fields: Fields) -> Bool {
      var list = HTTPFields()
      for (name, value) in fields { list.append(name, value) }
      return plainness(of: list).isAcceptable
    }
    let host = ("Host", "localhost")
    #expect(isPlain([host, ("Content-Type", "application/json"), ("content-LENGTH", "33"), ("Accept", "*/*")]))
    #expect(!isPlain([]) && !isPlain([host, host]))
    for field in [
      ("Content-Length", ""), ("Content-Length", "+1"), ("Content-Length", "1 "), ("Content-Length", "0x1"),
      ("Content-Length", "1111111111111111111"), ("transfer-Encoding", "chunked"), ("cookie", "a"), ("", "a"),
      ("X y", "a"), ("X\u{0}", "a"), ("X", "a\u{0}"), ("X", "\u{7F}"), ("X", "\u{1F}"), ("X", "\t"), ("X", "ü"),
    ] {
      #expect(!isPlain([host, field]) && !isPlain([field, host]), "\(field)")
    }
    #expect(!isPlain([host, ("Content-Length", "1"), ("Content-Length", "1")]))
  }

  /// What is said of a request with `fields` beside its Host.
  func refusal(with fields: Fields) -> HTTPRefusal? {
    refusal("POST", "/", "HTTP/1.1", [("Host", "localhost")] + fields)
  }

  func isMalformed(_ refusal: HTTPRefusal?) -> Bool {
    if case .malformed? = refusal { true } else { false }
  }

  // MARK: What passes

  @Test func whatBrowsersAndProgramsSendPasses() {
    #expect(refusal("GET", "/") == nil)
    #expect(refusal("OPTIONS", "*") == nil)
    #expect(refusal("GET", "/a/b?c=d&e=%20f+g") == nil)
    #expect(refusal("M-SEARCH", "/") == nil)
    #expect(refusal("GET", "/", "HTTP/1.0", []) == nil)
    #expect(refusal(with: [("Content-Length", "0")]) == nil)
    #expect(refusal(with: [("Content-Length", "19"), ("Content-Type", "application/json")]) == nil)
    #expect(refusal(with: [("Transfer-Encoding", "chunked")]) == nil)
    #expect(refusal(with: [("transfer-encoding", "Chunked")]) == nil)
    #expect(refusal(with: [("Content-Length", "\(UInt64.max)")]) == nil, "too large is another matter than malformed")
    #expect(refusal(with: [("X-Odd!#$%&'*+-.^_`|~09az", "any")]) == nil)
    #expect(refusal(with: [("X-Tab", "a\tb"), ("X-Empty", ""), ("X-UTF-8", "grüße")]) == nil)
    #expect(refusal(with: [("Accept", "a"), ("Accept", "b")]) == nil, "lists may be spread over fields")
  }

  // MARK: The request line

  @Test(arguments: ["HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "HTTP/1.10", "http/1.1", "HTTP/1.1 ", "HTTP/1", "", "ICY"])
  func onlyTwoVersionsAreSpoken(version: String) {
    #expect(isMalformed(refusal("GET", "/", version)))
  }

  @Test(arguments: ["", "GE T", "GET\t", "G\u{0}T", "GET:", "GÉT", "(GET)", "\"GET\""])
  func aMethodIsAToken(method: String) {
    #expect(isMalformed(refusal(method)))
  }

  @Test(arguments: ["CONNECT", "TRACE"])
  func whatWouldChangeTheConnectionIsServedNowhere(method: String) {
    #expect(refusal(method, "/") == .method(method))
    #expect(refusal(method, "localhost:80") == .method(method))
    #expect(refusal(method.lowercased(), "/") == nil, "methods have a case")
  }

  @Test(arguments: [
    "", "http://localhost/", "https://elsewhere/", "localhost:80", "index.html", "*", "?q", " /", "/a b", "/a\tb",
    "/a\u{0}b", "/a\u{7F}", "/é", "/#part", "/a#b", "\\path",
  ])
  func aTargetIsAPathWithItsOddCharactersEscaped(target: String) {
    #expect(isMalformed(refusal("GET", target)))
  }

  // MARK: Names and values

  @Test(arguments: ["Content-Length ", "Host\t", " Folded", "", "Na me", "N\u{0}ame", "Näme", "Name:", "(Name)", "a/b"])
  func aNameIsAToken(name: String) {
    #expect(isMalformed(refusal(with: [(name, "5")])))
  }

  @Test func aValueHoldsNoControlCharacterButTheTab() {
    for byte in (0...0x1F).map({ UInt8($0) }) + [0x7F] where byte != 0x09 {
      let value = "a" + String(UnicodeScalar(byte)) + "b"
      #expect(isMalformed(refusal(with: [("X-Field", value)])), "byte \(byte)")
    }
  }

  @Test func aRefusalPutsNoControlCharacterIntoItsWords() {
    let refusals = [
      refusal("GET", "/", "HTTP/\u{1B}[31m\r\n"), refusal(with: [("a\u{1B}[2J\r\nb", "")]),
      refusal(with: [("Content-Length", "5 \u{1B}[2J")]), refusal(with: [("Content-Length", "5\u{202E}")]),
    ]
    for refusal in refusals {
      guard case .malformed(let words)? = refusal else {
        Issue.record("\(String(describing: refusal)) is not malformed")
        continue
      }
      #expect(words.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }, "\(words)")
    }
  }

  // MARK: Host

  @Test func thereIsOneHost() {
    #expect(isMalformed(refusal("GET", "/", "HTTP/1.1", [])))
    #expect(isMalformed(refusal("GET", "/", "HTTP/1.1", [("Host", "a"), ("Host", "a")])))
    #expect(isMalformed(refusal("GET", "/", "HTTP/1.1", [("Host", "a"), ("hOST", "b")])))
    #expect(isMalformed(refusal("GET", "/", "HTTP/1.0", [("Host", "a"), ("Host", "b")])))
    #expect(refusal("GET", "/", "HTTP/1.1", [("hoST", "a")]) == nil)
  }

  // MARK: The body's length

  @Test(arguments: [
    "+5", "-1", "", "5, 5", "5,5", "5 5", " 5", "5 ", "0x5", "5.0", "five", "٥", "1e3", "18446744073709551616",
    "99999999999999999999999999",
  ])
  func aLengthIsDigitsOf64Bits(length: String) {
    #expect(isMalformed(refusal(with: [("Content-Length", length)])))
  }

  @Test func thereIsOneLengthEvenWhereTwoWouldAgree() {
    #expect(isMalformed(refusal(with: [("Content-Length", "5"), ("Content-Length", "5")])))
    #expect(isMalformed(refusal(with: [("Content-Length", "5"), ("content-LENGTH", "6")])))
  }

  @Test func aLengthAndACodingContradict() {
    #expect(isMalformed(refusal(with: [("Content-Length", "5"), ("Transfer-Encoding", "chunked")])))
    #expect(isMalformed(refusal(with: [("transfer-encoding", "chunked"), ("content-length", "5")])))
    #expect(isMalformed(refusal(with: [("Content-Length", "5"), ("Transfer-Encoding", "identity")])))
  }

  @Test(arguments: [
    "gzip", "identity", "gzip, chunked", "chunked, chunked", "chunked;q=1", "xchunked", "chunked ,", "chunked ", "",
  ])
  func anotherCodingIsNotImplemented(coding: String) {
    #expect(refusal(with: [("Transfer-Encoding", coding)]) == .transferCoding(coding))
  }

  @Test func twoCodingFieldsAreNotImplemented() {
    let fields = [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")]
    #expect(refusal(with: fields) == .transferCoding("chunked, chunked"))
  }

  @Test func theOldVersionHasNoCoding() {
    #expect(isMalformed(refusal("POST", "/", "HTTP/1.0", [("Transfer-Encoding", "chunked")])))
  }

  // MARK: Size

  /// A request whose head takes exactly `size` of the room: its text with separators, and 64 for each field.
  func head(of size: Int) -> Fields {
    let line = "POST / HTTP/1.1".utf8.count + 4  // Two line ends, less the blank ones, which the text counts.
    let host = "Host: localhost".utf8.count + 2 + 64
    let filler = "X-Filler: ".utf8.count + 2 + 64
    return [("Host", "localhost"), ("X-Filler", String(repeating: "a", count: size - line - host - filler))]
  }

  @Test func aHeadMayFillItsRoomAndNotAByteMore() {
    let room = (8 << 10) - (1 << 10)
    #expect(refusal("POST", "/", "HTTP/1.1", head(of: room)) == nil)
    #expect(refusal("POST", "/", "HTTP/1.1", head(of: room + 1)) == .headTooLarge(limit: room))
  }

  @Test func manySmallFieldsFillTheRoomToo() {
    let fields = (0..<110).map { ("X-\($0)", "") }
    #expect(refusal(with: fields) == .headTooLarge(limit: 7168))
    #expect(refusal(with: Array(fields[..<90])) == nil)
  }

  @Test func aLongTargetFillsTheRoomToo() {
    #expect(refusal("GET", "/" + String(repeating: "a", count: 7168)) == .headTooLarge(limit: 7168))
    #expect(refusal("GET", "/" + String(repeating: "a", count: 6000)) == nil)
  }
}
