import Basics
import Foundation

/// A JSON value as Foundation reads it. Texts are compared by their bytes: to a String, two spellings of é are one.
indirect enum FoundationJSON: Equatable {
  case null
  case bool(Bool)
  case number(Double)
  case string([UInt8])
  case array([FoundationJSON])
  case object([[UInt8]: FoundationJSON])

  /// What JSONSerialization makes of a text; nil where it refuses it.
  init?(decoding bytes: [UInt8]) {
    guard let value = try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed) else {
      return nil
    }
    self.init(foundation: value)
  }

  /// The same value as our reader gave it.
  init(_ value: JSONValue) {
    switch value {
    case .null: self = .null
    case .bool(let bool): self = .bool(bool)
    case .number(let number): self = .number(number)
    case .string(let text): self = .string(Array(text.utf8))
    case .array(let elements): self = .array(elements.map(FoundationJSON.init))
    case .object(let members):
      self = .object(.init(uniqueKeysWithValues: members.map { (Array($0.name.utf8), FoundationJSON($0.value)) }))
    }
  }
}

extension FoundationJSON {
  private init(foundation value: Any) {
    switch value {
    case is NSNull: self = .null
    case let text as String: self = .string(Array(text.utf8))
    case let elements as [Any]: self = .array(elements.map { FoundationJSON(foundation: $0) })
    case let members as [String: Any]:
      let pairs = members.map { (Array($0.key.utf8), FoundationJSON(foundation: $0.value)) }
      self = .object(.init(uniqueKeysWithValues: pairs))
    case let number as NSNumber:
      // Only a boolean is kept in one byte.
      self = number.objCType.pointee == CChar(UInt8(ascii: "c")) ? .bool(number.boolValue) : .number(number.doubleValue)
    default: preconditionFailure("JSON has no \(type(of: value))")
    }
  }
}

/// Reads a text by our reader.
func parsed(_ text: String) throws(JSONError) -> JSONValue {
  try JSONValue(parsing: Array(text.utf8))
}

/// The error that our reader throws; nil where it reads the text.
func refusal(_ bytes: some Sequence<UInt8>) -> JSONError? {
  do throws(JSONError) {
    _ = try JSONValue(parsing: Array(bytes))
    return nil
  } catch {
    return error
  }
}
