/// The bytes as one printable line: what arrives from a network must not be able to clear a terminal, forge a
/// log line or hide what stands beside it.
///
/// UTF-8 text stays readable. Control characters (C0, DEL, C1), line and paragraph separators and the characters
/// that change the direction of writing (Unicode TR 9) are shown as escapes such as `\n` or `\u{1B}`, a
/// backslash as `\\`. What is not UTF-8 as a whole has one form of escape beside `\n` and its like: the bytes of what
/// cannot be shown, as in `\xFF\x1B`.
public func escapedLine(_ bytes: some Sequence<UInt8>) -> String {
  let bytes = Array(bytes)
  var line = ""
  line.reserveCapacity(bytes.count)
  if String(validating: bytes, as: UTF8.self) != nil {
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars { appendEscaped(scalar, to: &line) }
    return line
  }
  var index = 0
  while index < bytes.count {
    let scalar = scalar(in: bytes, at: index)
    let width = scalar.map { UTF8.width($0) } ?? 1
    if let scalar, !mustEscape(scalar) || [0x09, 0x0A, 0x0D].contains(scalar.value) {
      appendEscaped(scalar, to: &line)
    } else {
      for byte in bytes[index..<index + width] { line += "\\x" + hexadecimal(byte) }
    }
    index += width
  }
  return line
}

/// A text as one printable line, as its UTF-8 would be.
public func escapedLine(_ text: String) -> String {
  escapedLine(text.utf8)
}

/// JSON text as one printable line: what JSON lets stand in its strings, and yet must not reach a terminal, becomes
/// `\u` escapes (RFC 8259 section 7), so that a reader of the JSON gets it back.
public func escapedJSON(_ text: [UInt8]) -> [UInt8] {
  // All of these are 7F or longer than a byte in UTF-8; most texts hold none.
  guard text.contains(where: { $0 >= 0x7F }) else { return text }
  var line = ""
  for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
    if scalar.value >= 0x7F, mustEscape(scalar) {
      let digits = String(scalar.value, radix: 16)
      line += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
    } else {
      line.unicodeScalars.append(scalar)
    }
  }
  return Array(line.utf8)
}

/// Control characters, what ends a line, and what turns the direction of writing; all in the first 64 Ki.
private func mustEscape(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0x00...0x1F, 0x7F...0x9F, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
  default: false
  }
}

private func scalar(in bytes: [UInt8], at index: Int) -> Unicode.Scalar? {
  for length in 1...4 where index + length <= bytes.count {
    if let text = String(validating: bytes[index..<index + length], as: UTF8.self) {
      return text.unicodeScalars.first
    }
  }
  return nil
}

private func appendEscaped(_ scalar: Unicode.Scalar, to line: inout String) {
  switch scalar.value {
  case 0x09: line += "\\t"
  case 0x0A: line += "\\n"
  case 0x0D: line += "\\r"
  case 0x5C: line += "\\\\"
  case _ where mustEscape(scalar):
    line += "\\u{" + String(scalar.value, radix: 16, uppercase: true) + "}"
  default: line.unicodeScalars.append(scalar)
  }
}

private func hexadecimal(_ byte: UInt8) -> String {
  (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
}

extension UTF8 {
  fileprivate static func width(_ scalar: Unicode.Scalar) -> Int {
    switch scalar.value {
    case 0..<0x80: 1
    case 0x80..<0x800: 2
    case 0x800..<0x10000: 3
    default: 4
    }
  }
}
