import Basics
import Foundation
import Testing

@testable import Gateway

struct BearerTokenTests {
  static let text = "abcdefghijklmnop"

  private func fault(_ bytes: [UInt8]) -> BearerToken.Fault? {
    do throws(BearerToken.Fault) {
      _ = try BearerToken(bytes)
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: [
    ("Bearer abcdefghijklmnop", true), ("bearer abcdefghijklmnop", true), ("BEARER   abcdefghijklmnop", true),
    ("Bearer abcdefghijklmnoP", false), ("Bearer Abcdefghijklmnop", false), ("Bearer abcdefghijklmno", false),
    ("Bearer abcdefghijklmnopq", false), ("Bearer abcdefghijklmnop\u{0}", false), ("Bearer", false), ("Bearer ", false),
    ("", false), ("abcdefghijklmnop", false), ("Basic abcdefghijklmnop", false), ("Bearerabcdefghijklmnop", false),
    ("Bearer\tabcdefghijklmnop", false), ("Bearer abcdefghijklmnop, Bearer abcdefghijklmnop", false),
    ("Bearer \"abcdefghijklmnop\"", false), ("Bearer token=abcdefghijklmnop", false),
    ("BEARE\u{12} abcdefghijklmnop", false),
  ])
  func aTokenIsCarriedByItsScheme(authorization: String, isCarried: Bool) throws {
    #expect(try BearerToken(Array(Self.text.utf8)).isCarried(by: authorization) == isCarried)
  }

  @Test func whiteSpaceAroundATokenIsNobodys() throws {
    for text in ["\(Self.text)\n", "  \(Self.text)\r\n", "\n\n\t\(Self.text) \n\n"] {
      #expect(try BearerToken(Array(text.utf8)).isCarried(by: "Bearer \(Self.text)"))
    }
  }

  @Test func aTokenHasItsBounds() {
    let bounds = Limits.tokenLength
    #expect(fault([UInt8](repeating: 0x61, count: bounds.lowerBound)) == nil)
    #expect(fault([UInt8](repeating: 0x61, count: bounds.lowerBound - 1)) == .tooShort && fault([]) == .tooShort)
    #expect(fault([UInt8](repeating: 0x20, count: 100)) == .tooShort)
    #expect(fault([UInt8](repeating: 0x61, count: bounds.upperBound)) == nil)
    #expect(fault([UInt8](repeating: 0x61, count: bounds.upperBound + 1)) == .tooLong)
    #expect(fault(Array("abcdefghijklmnop\nqrstuvwxyz".utf8)) == .severalLines)
    #expect(
      fault(Array("abcdefgh ijklmnop".utf8)) == .unsendable && fault(Array("abcdefghijklmnopé".utf8)) == .unsendable)
    #expect(fault(Array("abcdefghijklmnop\u{0}".utf8)) == .unsendable)
  }

  @Test func theLongestTokenIsComparedToItsEnd() throws {
    let longest = String(repeating: "x", count: Limits.tokenLength.upperBound)
    let token = try BearerToken(Array(longest.utf8))
    #expect(token.isCarried(by: "Bearer \(longest)") && !token.isCarried(by: "Bearer \(longest)x"))
    #expect(
      !token.isCarried(by: "Bearer \(longest.dropLast())y") && !token.isCarried(by: "Bearer \(longest.dropLast())"))
  }

  // MARK: In constant time

  /// Bytes that count how often one of them is looked at.
  private struct Watched: RandomAccessCollection {
    final class Looks { var count = 0 }

    let bytes: [UInt8]
    let looks = Looks()
    var startIndex: Int { 0 }
    var endIndex: Int { bytes.count }

    subscript(index: Int) -> UInt8 {
      looks.count += 1
      return bytes[index]
    }
  }

  private func looks(_ given: [UInt8], _ secret: [UInt8]) -> [Int] {
    let watched = (Watched(bytes: given), Watched(bytes: secret + [UInt8](repeating: 0, count: 64 - secret.count)))
    #expect(BearerToken.isSame(watched.0, as: watched.1, secret.count) == (given == secret))
    return [watched.0.looks.count, watched.1.looks.count]
  }

  /// What the comparison does depends on the length of what is given, and on nothing else: not on how much of it is
  /// right, and not on how long the secret is.
  @Test func comparingLooksAtEveryByteWhateverIsFound() {
    let secret = Array("0123456789abcdefghijklmnopqrstuv".utf8)
    let right = looks(secret, secret)
    #expect(right == [32, 32])
    for position in secret.indices {
      var wrong = secret
      wrong[position] ^= 1
      #expect(looks(wrong, secret) == right, "the first difference at \(position)")
    }
    #expect(looks([UInt8](repeating: 0, count: 32), secret) == right)
    for length in 16...60 where length != 32 { #expect(looks(secret, Array(repeating: 0x61, count: length)) == right) }
    #expect(looks(Array(secret.prefix(5)), secret) == [5, 5] && looks([], secret) == [0, 0])
  }

  // MARK: From a file

  private func withFile<Result>(_ text: String, mode: Int = 0o600, _ body: (String) throws -> Result) throws -> Result {
    let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
    #expect(
      FileManager.default.createFile(atPath: file, contents: Data(text.utf8), attributes: [.posixPermissions: mode]))
    defer { try? FileManager.default.removeItem(atPath: file) }
    return try body(file)
  }

  private func error(file: String) -> String? {
    do throws(StartupError) {
      _ = try BearerToken(file: file)
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test func aFileHoldsAToken() throws {
    let token = try withFile("\(Self.text)\n") { try BearerToken(file: $0) }
    #expect(token.isCarried(by: "Bearer \(Self.text)"))
  }

  @Test func aFileThatHoldsNoneSaysWhyAndWhatToDo() throws {
    for (text, reason) in [("short", "fewer than 16"), ("", "fewer than 16"), ("a b", "space"), ("a\nb", "one line")] {
      try withFile(text) { file in
        let said = try #require(error(file: file))
        #expect(said.contains(file) && said.contains(reason) && said.contains("openssl rand"), "\(said)")
        #expect(text.isEmpty || !said.contains("'\(text)'"), "what it holds stays there")
      }
    }
    #expect(try #require(error(file: "/nowhere/token")).contains("No such file"))
    #expect(try #require(error(file: "/tmp")).contains("cannot be read"))
    #expect(error(file: "/dev/zero") != nil, "what never ends is not read to its end")
  }

  @Test func aFileThatAllMayReadIsNoticed() throws {
    try withFile(Self.text, mode: 0o644) { #expect(BearerToken.isReadableByAll($0)) }
    try withFile(Self.text, mode: 0o640) { #expect(!BearerToken.isReadableByAll($0)) }
    #expect(!BearerToken.isReadableByAll("/dev/null"))
  }
}
