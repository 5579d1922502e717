import Basics
import Echo

/// Server-sent events as bytes (HTML Standard, section 9.2).
enum EventStream {
  static let mediaType = "text/event-stream"

  /// A comment, which clients skip: it shows them, and proxies, that the stream has begun or is still there.
  static func comment(_ text: StaticString) -> [UInt8] {
    Array(": \(text)\n\n".utf8)
  }

  /// A datagram; the client hands its identifier back when it comes again.
  static func datagram(_ record: RecordedDatagram, _ bytes: ArraySlice<UInt8>, identifier: String) -> [UInt8] {
    var json = JSONWriter(capacity: 512)
    json.object { $0.datagramMembers(record, bytes, identifier: identifier) }
    return event("datagram", identifier: identifier, data: json.bytes)
  }

  /// So many datagrams are gone that the client has not been told. Without an identifier of its own, so that a client
  /// that comes again is told again.
  static func gap(missed: UInt64) -> [UInt8] {
    var json = JSONWriter(capacity: 32)
    json.object { $0.member("missed", missed) }
    return event("gap", identifier: nil, data: json.bytes)
  }

  /// - Parameter data: one line; JSON's writer escapes line ends.
  private static func event(_ name: StaticString, identifier: String?, data: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(data.count + 80)
    bytes += "event: \(name)\n".utf8
    if let identifier { bytes += "id: \(identifier)\n".utf8 }
    bytes += "data: ".utf8
    bytes += data
    bytes += "\n\n".utf8
    return bytes
  }
}
