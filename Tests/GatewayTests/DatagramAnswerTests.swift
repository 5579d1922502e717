import Basics
import Foundation
import HTTPServer
import Sockets
import Testing

@testable import Echo
@testable import Gateway

/// What `GET /api/datagrams` reads and writes, as values.
@Suite struct DatagramAnswerTests {
  static func record(_ change: (inout RecordedDatagram) -> Void = { _ in }) -> RecordedDatagram {
    var record = RecordedDatagram()
    record.number = 7
    record.receivedAt = WallTime(nanoseconds: 1_795_348_800_123_456_789)
    record.source = SocketAddress("127.0.0.1:62810")!
    record.destination = SocketAddress("[::1]:9999")!
    record.length = 5
    change(&record)
    return record
  }

  private func object(_ record: RecordedDatagram, _ bytes: [UInt8]) throws -> [String: Any] {
    let text = JSONWriter.text { $0.datagramMembers(record, bytes[...], identifier: "e-7") }
    return try #require(try JSONSerialization.jsonObject(with: Data(text)) as? [String: Any])
  }

  @Test func anEntryHasTheMembersOfTheContract() throws {
    let text = JSONWriter.text { $0.datagramMembers(Self.record(), Array("hello".utf8)[...], identifier: "e-7") }
    #expect(
      String(decoding: text, as: UTF8.self) == """
        {"id":"e-7","time":"2026-11-22T12:00:00.123456Z","source":{"address":"127.0.0.1","port":62810},\
        "destination":{"address":"::1","port":9999},"bytes":5,"text":"hello","base64":"aGVsbG8=","fate":"echoed",\
        "impairments":[],"reason":null,"via_gateway":false}

        """)
  }

  @Test func fatesImpairmentsAndOriginAreNamed() throws {
    let lost = try object(
      Self.record {
        $0.fate = .lost
        $0.impairments = ImpairmentKinds([.burstLoss])
        $0.isOwn = true
      }, Array("hello".utf8))
    #expect(lost["fate"] as? String == "lost" && lost["impairments"] as? [String] == ["burst_loss"])
    #expect(lost["reason"] is NSNull && lost["via_gateway"] as? Bool == true)
    for reason in DropReason.allCases {
      let refused = try object(Self.record { $0.fate = .refused(reason) }, Array("hello".utf8))
      #expect(refused["fate"] as? String == "refused" && refused["reason"] as? String == reason.rawValue)
    }
    let kinds = ImpairmentKinds([.rate, .delay, .corrupt, .delay, .duplicate, .loss, .reorder, .burstLoss])
    #expect(kinds.names == ImpairmentKind.allCases.map(\.rawValue))
  }

  @Test func bytesThatAreNoTextAreBase64Alone() throws {
    let bytes: [UInt8] = [0xFF, 0x00, 0x0A, 0x80]
    let entry = try object(Self.record { $0.length = 4 }, bytes)
    #expect(entry["text"] is NSNull && entry["base64"] as? String == "/wAKgA==" && entry["bytes"] as? Int == 4)
    let empty = try object(Self.record { $0.length = 0 }, [])
    #expect(empty["text"] as? String == "" && empty["base64"] as? String == "" && empty["bytes"] as? Int == 0)
  }

  @Test(arguments: ["é", "€", "한", "😀", "\u{10FFFF}", "\u{800}", "\u{D7FF}", "\u{10000}"])
  func aTextThatWasCutWithinACharacterIsTextWithoutIt(character: String) {
    let whole = Array(("ab" + character).utf8)
    for length in 2...whole.count {
      let kept = whole.prefix(length)
      #expect(keptText(kept, isCut: true) == (length == whole.count ? "ab" + character : "ab"))
      // What was not cut and ends so is no text.
      #expect((keptText(kept, isCut: false) == nil) == (length != 2 && length != whole.count))
    }
  }

  @Test(
    arguments: [
      [0x61, 0xC0], [0x61, 0xC1], [0x61, 0xF5], [0x61, 0xFF], [0x61, 0x80], [0x61, 0xE0, 0x80], [0x61, 0xED, 0xA0],
      [0x61, 0xF0, 0x8F], [0x61, 0xF4, 0x90], [0x61, 0xF0, 0x90, 0x41], [0xFF, 0x61, 0xC3],
      [0x61, 0xE2, 0x82, 0xAC, 0x82],
    ] as [[UInt8]])
  func whatNoCharacterBeginsWithIsNoTextHoweverItWasCut(bytes: [UInt8]) {
    #expect(keptText(bytes[...], isCut: true) == nil)
  }

  @Test func eventsAreLinesWithAnEmptyOneBehindThem() throws {
    let bytes = EventStream.datagram(Self.record { $0.length = 4 }, Array("a\nb\r".utf8)[...], identifier: "e-7")
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 5 && lines[0] == "event: datagram" && lines[1] == "id: e-7" && lines[3...] == ["", ""])
    let data = try #require(lines[2].wholeMatch(of: /data: (.*)/)).output.1
    let entry = try #require(try JSONSerialization.jsonObject(with: Data(data.utf8)) as? [String: Any])
    #expect(entry["text"] as? String == "a\nb\r" && entry["id"] as? String == "e-7")
    #expect(!bytes.contains(0x0D))
    #expect(String(decoding: EventStream.gap(missed: 3), as: UTF8.self) == "event: gap\ndata: {\"missed\":3}\n\n")
    #expect(String(decoding: EventStream.comment("here"), as: UTF8.self) == ": here\n\n")
  }

  // MARK: Requests

  private func read(
    _ query: String?, accept: String? = nil, lastEventID: String? = nil
  ) throws(Problem) -> DatagramsRequest {
    var fields = HTTPFields()
    if let accept { fields.append("Accept", accept) }
    if let lastEventID { fields.append("Last-Event-ID", lastEventID) }
    let peer = SocketAddress("127.0.0.1:1")!
    return try DatagramsRequest(
      HTTPRequestHead(method: .get, path: "/api/datagrams", query: query, fields: fields, peer: peer))
  }

  @Test func aListIsOfAHundredUnlessItIsToldHowMany() throws {
    #expect(try read(nil) == .list(limit: 100) && read("") == .list(limit: 100))
    for limit in [1, 2, 999, 1000] { #expect(try read("limit=\(limit)") == .list(limit: limit)) }
  }

  @Test(arguments: [
    "limit=0", "limit=1001", "limit=-1", "limit=", "limit", "limit=1e2", "limit=+5", "limit=99999999999999999999",
    "limit=%31%zz", "limit=1&limit=1", "limt=1", "limit=1&x=",
  ])
  func whatIsNoLimitIsRefusedInWordsThatHelp(query: String) {
    let problem = #expect(throws: Problem.self) { try read(query) }
    #expect(
      problem?.kind == .invalidRequest && problem?.detail.contains("parameter") == true
        || problem?.detail.contains("from 1 to 1000") == true, "\(problem?.detail ?? "")")
  }

  @Test(arguments: [
    ("text/event-stream", true), ("TEXT/Event-Stream", true), ("text/event-stream, */*;q=0.1", true),
    ("application/json;q=0.5, text/event-stream", true), ("text/event-stream;q=0.5, application/json", false),
    ("text/event-stream;q=0", false), ("*/*", false), ("application/json", false), ("text/html", false),
  ])
  func aFeedIsForThoseWhoNameIt(accept: String, isFeed: Bool) throws {
    #expect(try read(nil, accept: accept) == (isFeed ? .feed(lastEventID: nil) : .list(limit: 100)))
  }

  @Test func aFeedResumesAfterAnEventAndHasNoLimit() throws {
    #expect(try read(nil, accept: "text/event-stream", lastEventID: "e-7") == .feed(lastEventID: "e-7"))
    #expect(try read(nil, accept: "text/event-stream", lastEventID: "") == .feed(lastEventID: nil))
    #expect(throws: Problem.self) { try read("limit=5", accept: "text/event-stream") }
  }
}
