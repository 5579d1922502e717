import Basics
@testable import HTTPServer
import Testing

extension RealServer {
  /// Answers that libmicrohttpd is given again with other bytes.
  @Suite struct KeptResponsesTests {
    private static let common = HTTPFields.Common(["Content-Type": "text/plain", "X-Common": "same"])

    /// Answers with the body, and with it as a field where there is one.
    private static func answer(_ request: HTTPRequest) -> HTTPResponse {
      var fields = HTTPFields(beginningWith: common)
      if !request.body.isEmpty { fields.append("X-Own", String(decoding: request.body, as: UTF8.self)) }
      return HTTPResponse(status: 200, fields: fields, body: .bytes(request.body + Array("!".utf8)))
    }

    @Test func eachAnswerHasItsOwnBytesAndFieldsAndTheCommonOnes() async throws {
      try await serving({ Self.answer($0) }, loops: 1) { server in
        let clients = try (0..<3).map { _ in try server.connect() }
        for round in 0..<60 {
          for (number, client) in clients.enumerated() {
            let text = String(repeating: "x", count: round % 21) + "\(round)/\(number)"
            let answer = try client.exchange(.post("/", text))
            #expect(answer.status == 200 && answer.text == text + "!")
            #expect(answer["X-Own"] == text, "once, and of this answer")
            #expect(answer["X-Common"] == "same" && answer["Content-Type"] == "text/plain")
            #expect(answer["Content-Length"] == "\(text.utf8.count + 1)")
          }
        }
        let bare = try clients[0].exchange(.post("/", ""))
        #expect(bare.text == "!" && bare["X-Own"] == nil)
      }
    }

    @Test func answersThatAreUnderWayTogetherDoNotShareMemory() async throws {
      let gate = Gate()
      try await serving(
        { request in
          await gate.wait(String(decoding: request.body, as: UTF8.self))
          return Self.answer(request)
        }, loops: 1
      ) { server in
        let texts = (0..<8).map { "text \($0)" }
        let clients = try texts.map { text in
          let client = try server.connect()
          client.send(.post("/", text))
          return client
        }
        while gate.waiting.count < texts.count { await Task.yield() }
        for text in texts.reversed() { gate.open(text) }
        for (text, client) in zip(texts, clients) {
          let answer = try client.answer()
          #expect(answer.text == text + "!" && answer["X-Own"] == text)
        }
      }
    }

    @Test func headsAndLastAnswersHaveTheSameFields() async throws {
      try await serving({ Self.answer($0) }, loops: 1) { server in
        let client = try server.connect()
        _ = try client.exchange(.post("/", ""))
        let head = try client.exchange("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", toHead: true)
        #expect(head["X-Common"] == "same" && head["Content-Length"] == "1" && head["Connection"] == nil)
        let last = try client.exchange("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(last["X-Common"] == "same" && last["Connection"] == "close" && last.text == "!")
        let next = try server.connect().exchange(.post("/", ""))
        #expect(next["Connection"] == nil, "what one connection's end adds is not kept")
      }
    }
  }
}

@Suite struct KeptResponsesBoundsTests {
  @Test func onlySoManyRestAndOnlyShortOnesWithCommonFields() {
    let common = HTTPFields.Common(["X-A": "1"])
    var kept = KeptResponses()
    let taken = (1...3 * KeptResponses.capacity).map { count in
      kept.take(HTTPFields(beginningWith: common), [UInt8](repeating: 1, count: count))!
    }
    for response in taken { kept.giveBack(response) }
    #expect(kept.count == KeptResponses.capacity)
    let again = kept.take(HTTPFields(beginningWith: common), [UInt8](repeating: 2, count: taken.count))
    #expect(again === taken.last, "what rests is used")
    let other = kept.take(HTTPFields(beginningWith: .init(["X-A": "1"])), [UInt8](repeating: 2, count: taken.count - 1))
    #expect(other !== taken[taken.count - 2], "other fields")
    #expect(kept.take(HTTPFields(), [1]) == nil)
    #expect(kept.take(HTTPFields(beginningWith: common), []) == nil)
    #expect(kept.take(HTTPFields(beginningWith: common), [UInt8](repeating: 0, count: 1 << 20)) == nil)
  }

  @Test func fieldsBeginWithTheCommonOnes() {
    var fields = HTTPFields(beginningWith: .init(["A": "1", "B": "2"]))
    fields.append("b", "3")
    #expect(fields.map(\.name) == ["A", "B", "b"] && fields.count == 3)
    #expect(fields["B"] == "2" && fields.values("b") == ["2", "3"] && fields["C"] == nil)
    #expect(HTTPFields.Common(fields).fields.map(\.value) == ["1", "2", "3"])
  }
}
