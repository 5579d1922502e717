@testable import HTTPServer
import Testing

@Suite struct RequestTargetTests {
  @Test func aPathAndAQueryArePartedAtTheFirstQuestionMark() {
    let cases: [(String, String, String?)] = [
      ("/", "/", nil), ("/a/b", "/a/b", nil), ("/a?", "/a", ""), ("/a?b=c", "/a", "b=c"), ("/a?b?c", "/a", "b?c"),
      ("*", "*", nil), ("//a//", "//a//", nil),
    ]
    for (text, path, query) in cases {
      let target = RequestTarget(text)
      #expect(target?.path == path, "\(text)")
      #expect(target?.query == query, "\(text)")
    }
  }

  @Test func escapesInThePathAreResolvedOnceAndThoseInTheQueryAreNot() {
    #expect(RequestTarget("/a%20b")?.path == "/a b")
    #expect(RequestTarget("/%61%62")?.path == "/ab")
    #expect(RequestTarget("/%e2%82%AC")?.path == "/€")
    #expect(RequestTarget("/%252F")?.path == "/%2F", "once, not twice")
    #expect(RequestTarget("/a%3Fb")?.path == "/a?b")
    #expect(RequestTarget("/a?b=%00%2F")?.query == "b=%00%2F")
    #expect(RequestTarget("/a?b=%zz") == nil)
    #expect(RequestTarget("/a+b")?.path == "/a+b", "a plus is a plus in a path")
  }

  @Test func dotsStayWhatTheyAre() {
    // Whoever looks a path up decides; it is not made to mean another file here.
    #expect(RequestTarget("/../etc")?.path == "/../etc")
    #expect(RequestTarget("/%2e%2E/etc")?.path == "/../etc")
  }

  @Test(arguments: [
    "/%", "/%2", "/%zz", "/%2g", "/%%41", "/a%", "/%+1", "/% 1",  // No escape.
    "/%00", "/a%00b",  // NUL.
    "/%2F", "/%2f", "/a%2Fb",  // A slash that is none.
    "/%ff", "/%C3", "/%c3%28",  // No UTF-8.
    "/%C0%AF", "/%E0%80%AF", "/%F0%80%80%AF",  // Overlong slashes.
    "/%ED%A0%80", "/%F5%80%80%80",  // A surrogate, and past the last character.
  ])
  func whatTwoReadersCouldTakeDifferentlyIsRefused(target: String) {
    #expect(RequestTarget(target) == nil)
  }
}

extension RequestTarget: Equatable {
  public static func == (left: RequestTarget, right: RequestTarget) -> Bool {
    left.path == right.path && left.query == right.query
  }
}

@Suite struct PercentDecodingTests {
  func decoded(_ text: String, plusIsSpace: Bool = false) -> String? {
    percentDecoded(text.utf8, plusIsSpace: plusIsSpace).map { String(decoding: $0, as: UTF8.self) }
  }

  @Test func everyByteHasAnEscapeInEitherCase() {
    for byte in 0...255 {
      let digits = String(byte + 256, radix: 16).dropFirst()
      #expect(percentDecoded("%\(digits)".utf8) == [UInt8(byte)])
      #expect(percentDecoded("%\(digits.uppercased())".utf8) == [UInt8(byte)])
    }
  }

  @Test func aPlusIsASpaceOnlyInForms() {
    #expect(decoded("a+b%2Bc") == "a+b+c")
    #expect(decoded("a+b%2Bc", plusIsSpace: true) == "a b+c")
    #expect(decoded("+%20+", plusIsSpace: true) == "   ")
  }

  @Test func whatIsNoEscapeStays() {
    #expect(decoded("") == "")
    #expect(decoded("a=b&c;d/é") == "a=b&c;d/é")
  }

  @Test(arguments: ["%", "a%", "%4", "%4g", "%g4", "%-1", "%+1", "% 1", "%0x", "%%", "%4%41", "%é"])
  func aBrokenEscapeIsRefused(text: String) {
    #expect(percentDecoded(text.utf8) == nil)
    #expect(percentDecoded(text.utf8, plusIsSpace: true) == nil)
  }
}

@Suite struct HTTPFieldsTests {
  @Test func namesAreTheSameInAnyCase() {
    let fields: HTTPFields = ["Content-Type": "text/plain"]
    #expect(fields["content-TYPE"] == "text/plain")
    #expect(fields["Content-Typ"] == nil)
    #expect(fields["Content_Type"] == nil)
  }

  @Test func onlyASCIILettersHaveACase() {
    // These bytes differ by the bit that letters' cases differ by.
    for (left, right) in [("@", "`"), ("[", "{"), ("]", "}"), ("^", "~"), ("\u{1}", "!")] {
      #expect(!HTTPFields.isSame(left, right))
    }
    #expect(!HTTPFields.isSame("É", "é"))
    #expect(HTTPFields.isSame("AZaz09-", "azAZ09-"))
    #expect(!HTTPFields.isSame("a", "aa"))
  }

  @Test func allValuesAreKeptInTheirOrder() {
    var fields = HTTPFields()
    for (name, value) in [("A", "1"), ("b", "2"), ("a", "3"), ("A", "")] { fields.append(name, value) }
    #expect(fields.count == 4)
    #expect(fields["a"] == "1")
    #expect(fields.values("A") == ["1", "3", ""])
    #expect(fields.values("c") == [])
    #expect(fields.map(\.name) == ["A", "b", "a", "A"], "names stay as they were written")
  }

  @Test func aTokenIsFoundInAnyOfItsListsAndOnlyWhole() {
    let fields: HTTPFields = ["Connection": "keep-alive, Clo,\t CLOSE ", "Via": "1.1 a", "via": "close"]
    #expect(fields.has("close", in: "connection"))
    #expect(fields.has("close", in: "VIA"))
    #expect(!fields.has("Clos", in: "Connection"))
    #expect(!fields.has("keep", in: "Connection"))
    #expect(!fields.has("", in: "Connection"))
    #expect(!fields.has("close", in: "Upgrade"))
  }

  @Test func aLiteralMayHoldANameTwice() {
    let fields: HTTPFields = ["Set-Cookie": "a", "Set-Cookie": "b"]
    #expect(fields.values("set-cookie") == ["a", "b"])
  }

  @Test func whatIsNotThereIsNotFoundByItsLengthAlone() {
    let fields: HTTPFields = ["Host": "a", "Accept": "b"]
    #expect(fields.contains("host") && fields.contains("ACCEPT"))
    #expect(!fields.contains("Hose") && !fields.contains("Origin") && !fields.contains("Via") && !fields.contains(""))
    #expect(fields.withValue(of: "accept") { $0.elementsEqual("b".utf8) } == true)
    #expect(fields.withValue(of: "accent") { $0.count } == nil)
    // Longer than the lengths that are told apart.
    let long = String(repeating: "n", count: 4 + 64)
    var longer = fields
    #expect(longer[long] == nil)
    longer.append(long, "c")
    #expect(longer[long.uppercased()] == "c" && longer["Host"] == "a" && fields[long] == nil)
  }

  @Test func aFieldMayBeThereOnce() {
    var fields: HTTPFields = ["Origin": "a", "Host": ""]
    #expect(fields.occurrence(of: "origin") == .one("a"))
    #expect(fields.occurrence(of: "Host") == .one(""))
    #expect(fields.occurrence(of: "Accept") == .missing && HTTPFields().occurrence(of: "Origin") == .missing)
    fields.append("ORIGIN", "a")
    #expect(fields.occurrence(of: "Origin") == .several)
    fields.append("Origin", "b")
    #expect(fields.occurrence(of: "Origin") == .several)
  }

  @Test func packedFieldsAreWhatWasPacked() {
    var pieces: [[UInt8]] = []
    for count in [0, 1, 7, 8, 255, 256, 70_000] { pieces.append((0..<count).map { UInt8(truncatingIfNeeded: $0) }) }
    var fields = PackedFields()
    var expected: [[[UInt8]]] = []
    for name in pieces {
      for value in pieces {
        name.withUnsafeBytes { name in
          value.withUnsafeBytes { fields.append(.init(name: name, value: $0)) }
        }
        expected.append([name, value])
      }
    }
    func contents(_ fields: PackedFields) -> [[[UInt8]]] {
      fields.withEntries { $0.map { [Array($0.name), Array($0.value)] } }
    }
    #expect(contents(fields) == expected && fields.count == expected.count)
    let copied = fields.withEntries { Array($0).withUnsafeBufferPointer { PackedFields($0) } }
    #expect(contents(copied) == expected && copied.count == expected.count)
    #expect(contents(PackedFields()) == [] && PackedFields().count == 0)
    let trimmed: HTTPFields = ["A": "b \t ", "C": " \t", "D": "", "E": " f"]
    #expect(trimmed.trimmed().map(\.value) == ["b", "", "", " f"] && trimmed.trimmed()["A"] == "b")
  }
}
