import TestSupport
import Testing

@testable import Gateway

struct MessageRequestTests {
  private func read(_ type: String?, _ body: String, query: String? = nil) throws -> MessageRequest {
    try MessageRequest(contentType: type, query: query, body: Array(body.utf8))
  }

  private func refusal(_ type: String?, _ body: String, query: String? = nil) -> Problem? {
    do {
      _ = try read(type, body, query: query)
      return nil
    } catch {
      return error as? Problem
    }
  }

  private static let json = "application/json"
  private static let form = "application/x-www-form-urlencoded"

  @Test(arguments: [nil, "text/plain", "application/octet-stream", "image/png", "TEXT/PLAIN; charset=latin1", ""])
  func anyOtherTypeIsSentByteForByte(type: String?) throws {
    let body: [UInt8] = [0, 0xFF, 0x7B, 0x0A, 0x25]
    #expect(try MessageRequest(contentType: type, query: nil, body: body).datagram == body)
    #expect(try MessageRequest(contentType: type, query: nil, body: []).datagram.isEmpty)
  }

  @Test func jsonCarriesTextOrBytes() throws {
    #expect(try read(Self.json, #"{"message":"hé\n😀"}"#).datagram == Array("hé\n😀".utf8))
    let bytes = try read(Self.json, #"{"base64":"AP8="}"#)
    #expect(bytes.datagram == [0, 0xFF] && bytes.isBinary)
    #expect(try read(Self.json, #"{"hex":"00fF"}"#).datagram == [0, 0xFF])
    #expect(try read("Application/JSON; charset=utf-8", #" {"message":""} "#).datagram.isEmpty)
  }

  @Test func optionsAreRead() throws {
    let request = try read(Self.json, #"{"message":"x","target":"lab","timeout_ms":10000,"fresh":true}"#)
    #expect(request.target == "lab" && request.timeoutMilliseconds == 10000 && request.fresh == true)
    let form = try read(Self.form, "message=a+b%21&target=lab&timeout_ms=5&fresh=false")
    #expect(form.datagram == Array("a b!".utf8) && form.timeoutMilliseconds == 5 && form.fresh == false)
    let raw = try read("text/plain", "as it is", query: "target=127.0.0.1%3A9&timeout_ms=1&fresh=true")
    #expect(raw.target == "127.0.0.1:9" && raw.fresh == true && raw.datagram == Array("as it is".utf8))
  }

  @Test func whatCurlSendsWithoutAHeaderIsUnderstood() throws {
    #expect(try read(Self.form, "hello from client!!").datagram == Array("hello from client!!".utf8))
    #expect(try read(Self.form, "100% & more=less").datagram == Array("100% & more=less".utf8))
    #expect(try read(Self.form, #"{"message":"forgotten header"}"#).datagram == Array("forgotten header".utf8))
    #expect(try read(Self.form, #" {"hex":"41"}"#).datagram == [0x41])
    #expect(try read(Self.form, #"{"note":"no message"}"#).datagram == Array(#"{"note":"no message"}"#.utf8))
    #expect(try read(Self.form, "{not json").datagram == Array("{not json".utf8))
    #expect(try read(Self.form, "").datagram.isEmpty)
    #expect(try read(Self.form, "message").datagram == Array("message".utf8))
    #expect(try read(Self.form, "message=").datagram.isEmpty)
  }

  /// A forgotten header does not make a body's mistakes silent.
  @Test(arguments: [
    #"{"message":"a","message":"b"}"#, #"{"message":"a","tmeout_ms":5}"#, #"{"message":"\ud800"}"#, #"{"message":5}"#,
  ])
  func jsonThatIsCalledAFormIsJSONInEveryRespect(body: String) {
    #expect(refusal(Self.form, body)?.kind == .invalidRequest)
  }

  @Test(arguments: [
    #"[]"#, #""text""#, #"{}"#, #"{"message":"a","hex":"41"}"#, #"{"message":null}"#, #"{"message":1}"#,
    #"{"base64":"A"}"#,
    #"{"base64":"AP8"}"#, #"{"base64":"AP8=\n"}"#, #"{"hex":"0"}"#, #"{"hex":"0g"}"#, #"{"hex":" 41"}"#,
    #"{"message":"x","timeout_ms":0}"#, #"{"message":"x","timeout_ms":10001}"#, #"{"message":"x","timeout_ms":1.5}"#,
    #"{"message":"x","timeout_ms":"5"}"#, #"{"message":"x","fresh":1}"#, #"{"message":"x","target":7}"#,
    #"{"message":"x","Message":"y"}"#, #"{"message":"x"} y"#, #"{"message":"x""#, "",
  ])
  func jsonThatSaysSomethingElseIsRefused(body: String) {
    #expect(refusal(Self.json, body)?.kind == .invalidRequest, "\(body)")
  }

  @Test(arguments: [
    "message=a&message=b", "message=a&hex=41", "message=a&tmeout_ms=5", "message=%zz", "message=%ff",
    "message=a&timeout_ms=",
    "message=a&timeout_ms=+5", "message=a&fresh=yes", "hex=4",
  ])
  func formsWithAMessageAndAMistakeAreRefused(body: String) {
    #expect(refusal(Self.form, body)?.kind == .invalidRequest, "\(body)")
  }

  @Test(arguments: ["nope=1", "target=a&target=b", "timeout_ms=x", "message=a", "%=1"])
  func queriesAreReadStrictly(query: String) {
    #expect(refusal("text/plain", "x", query: query)?.kind == .invalidRequest, "\(query)")
  }

  @Test func anUnknownNameTellsTheKnownOnes() throws {
    let detail = try #require(refusal(Self.json, #"{"mesage":"x"}"#)?.detail)
    for name in MessageRequest.payloadNames + MessageRequest.optionNames { #expect(detail.contains(name)) }
    let query = try #require(refusal(nil, "x", query: "timeout=5")?.detail)
    for name in MessageRequest.optionNames { #expect(query.contains(name)) }
  }

  @Test(arguments: ["target=b", "timeout_ms=6", "fresh=true"])
  func anOptionInBodyAndQueryIsRefused(query: String) {
    let body = #"{"message":"x","target":"a","timeout_ms":5,"fresh":false}"#
    #expect(refusal(Self.json, body, query: query)?.kind == .invalidRequest)
    #expect(refusal(Self.json, #"{"message":"x"}"#, query: query) == nil)
  }

  @Test func multipartIsRefusedWithAWordOnCurl() throws {
    let problem = try #require(refusal("multipart/form-data; boundary=x", "--x"))
    #expect(problem.kind == .unsupportedMediaType && problem.detail.contains("curl -d"))
  }

  /// Members in order are read without a tree, all others with one: there may be no third way to read a body.
  @Test func whatIsReadWithoutATreeIsReadTheSameWithOne() throws {
    var random = SeededGenerator(seed: 7)
    let members = [
      #""message":"hello""#, #""message":"h\u00e9\n""#, #""message":"\ud800""#, #""base64":"AP8=""#, #""hex":"00fF""#,
      #""hex":"0""#, #""target":"lab""#, #""timeout_ms":500"#, #""timeout_ms":5e2"#, #""timeout_ms":1.5"#,
      #""timeout_ms":0"#, #""fresh":true"#, #""fresh":false"#, #""fresh":null"#, #""fr\u0065sh":true"#, #""other":1"#,
      #""message":["x"]"#, #""message" : "" "#, "",
    ]
    var inOrder = 0
    var refused = 0
    for _ in 0..<20_000 {
      let chosen = (0..<Int.random(in: 0...4, using: &random)).map { _ in members.randomElement(using: &random)! }
      var body = Array(("{" + chosen.joined(separator: ",") + "}").utf8)
      if Int.random(in: 0..<3, using: &random) == 0 {
        let place = Int.random(in: 0..<body.count, using: &random)
        body[place] = Array(#"{}[]",:\ 0ae"#.utf8).randomElement(using: &random)!
      }
      let tree = try? MessageRequest(tree: body)
      var request = MessageRequest(datagram: [])
      if request.readInOrder(body) {
        #expect(request == tree, "\(String(decoding: body, as: UTF8.self))")
        inOrder += 1
      } else if tree == nil {
        refused += 1
      }
    }
    #expect(inOrder > 1000 && refused > 1000, "\(inOrder) in order, \(refused) refused")
  }

  /// Or a tree would be made of every message.
  @Test(arguments: [
    #"{"message":"hello from client!!"}"#, " { \"hex\" : \"41\" , \"timeout_ms\" : 5 } \n", #"{"base64":"AP8="}"#,
    #"{"fresh":true,"target":"lab","message":"\n"}"#,
  ])
  func membersInOrderNeedNoTree(body: String) {
    var request = MessageRequest(datagram: [])
    let isInOrder = request.readInOrder(Array(body.utf8))
    #expect(isInOrder)
  }

  @Test func everyByteSurvivesEveryForm() throws {
    let bytes = Array(UInt8.min...UInt8.max)
    let hex = bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    #expect(try read(Self.json, #"{"hex":"\#(hex)"}"#).datagram == bytes)
    #expect(try read(Self.json, #"{"base64":"\#(base64(bytes))"}"#).datagram == bytes)
    let escaped = base64(bytes).replacing("+", with: "%2B")
    #expect(try read(Self.form, "base64=\(escaped)").datagram == bytes)
  }
}
