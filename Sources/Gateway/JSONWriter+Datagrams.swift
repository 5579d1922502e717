import Basics
import Echo

extension JSONWriter {
  /// The members of a datagram that the echo server saw.
  ///
  /// - Parameter bytes: those that were kept of it.
  mutating func datagramMembers(_ record: RecordedDatagram, _ bytes: ArraySlice<UInt8>, identifier: String) {
    member("id", identifier)
    member("time", record.receivedAt.utc)
    address("source", record.source)
    address("destination", record.destination)
    member("bytes", record.length)
    member("text", keptText(bytes, isCut: bytes.count < record.length))
    member("base64", base64(Array(bytes)))
    member("fate", record.fate.name)
    array("impairments") { json in for name in record.impairments.names { json.element(name) } }
    member("reason", record.fate.reason?.rawValue)
    member("via_gateway", record.isOwn)
  }
}

/// Bytes as text; nil where they are not UTF-8.
///
/// - Parameter isCut: they are the beginning of something longer. It may have been cut within a character: that is text
///   all the same, without what is left of the character.
func keptText(_ bytes: ArraySlice<UInt8>, isCut: Bool) -> String? {
  if let text = String(validating: bytes, as: UTF8.self) { return text }
  guard isCut else { return nil }
  // A character has four bytes at most, of which three are left at most.
  for count in 1...3 where count < bytes.count && isBeginning(bytes.suffix(count)) {
    return String(validating: bytes.dropLast(count), as: UTF8.self)
  }
  return nil
}

/// Whether bytes are the beginning of one character: some continuation makes it whole. What may follow differs for the
/// byte after the first alone, and there one end of the range always fits (Unicode 16, table 3-7).
private func isBeginning(_ bytes: ArraySlice<UInt8>) -> Bool {
  let length = (~bytes.first!).leadingZeroBitCount
  guard (2...4).contains(length), bytes.count < length else { return false }
  return ([0x80, 0xBF] as [UInt8]).contains { filler in
    let whole = bytes + Array(repeating: filler, count: length - bytes.count)
    return String(validating: whole, as: UTF8.self) != nil
  }
}
