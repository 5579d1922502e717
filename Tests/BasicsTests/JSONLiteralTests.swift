import Basics
import Testing

struct JSONLiteralTests {
  private let value: JSONValue = [
    "text": "a\"b\n\(1)", "whole": 3, "part": 0.25, "flag": true, "none": .null, "list": [1, [], [:], "x", false],
    "inner": ["é": -5],
  ]

  private func text(_ value: JSONValue) -> String {
    var json = JSONWriter()
    json.value(value)
    return String(decoding: json.bytes, as: UTF8.self)
  }

  @Test func aValueIsWrittenAsItIsRead() throws {
    #expect(
      text(value)
        == #"{"text":"a\"b\n1","whole":3,"part":0.25,"flag":true,"none":null,"list":[1,[],{},"x",false],"#
        + #""inner":{"é":-5}}"#
    )
    #expect(try JSONValue(parsing: Array(text(value).utf8)) == value)
  }

  @Test func membersKeepTheirOrder() {
    #expect(text(["b": 1, "a": 2] + ["0": 3]) == #"{"b":1,"a":2,"0":3}"#)
  }

  @Test func membersAreFoundByName() {
    #expect(value["inner"]?["é"] == -5 && value["absent"] == nil && value["text"]?["x"] == nil)
  }

  @Test(arguments: [0, -1, 1e15, 1e300, 1e-300, 0.1, 9_007_199_254_740_991])
  func numbersComeBackAsTheyWere(number: Double) throws {
    #expect(try JSONValue(parsing: Array(text(.number(number)).utf8)) == .number(number))
  }
}
