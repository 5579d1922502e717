/// Writes JSON (RFC 8259) as UTF-8 bytes, member by member: what is on the path of every message builds no tree.
///
/// Commas are the writer's business; that a member stands in an object and an element in an array is the caller's.
public struct JSONWriter {
  /// What is written so far.
  public private(set) var bytes: [UInt8] = []
  private var needsComma = false

  /// An empty text with room for `capacity` bytes.
  public init(capacity: Int = 256) {
    bytes.reserveCapacity(capacity)
  }

  /// One whole object as a text of its own, ended by a newline as every JSON answer is.
  public static func text(_ members: (inout JSONWriter) -> Void) -> [UInt8] {
    var writer = JSONWriter()
    writer.object(members)
    writer.newline()
    return writer.bytes
  }

  /// An object as an element, or as the whole text.
  public mutating func object(_ members: (inout JSONWriter) -> Void) {
    open(UInt8(ascii: "{"))
    members(&self)
    close(UInt8(ascii: "}"))
  }

  /// An object as a member.
  public mutating func object(_ name: StaticString, _ members: (inout JSONWriter) -> Void) {
    key(name)
    object(members)
  }

  /// An array as a member.
  public mutating func array(_ name: StaticString, _ elements: (inout JSONWriter) -> Void) {
    key(name)
    array(elements)
  }

  /// A text, or null, as a member.
  public mutating func member(_ name: StaticString, _ value: String?) {
    key(name)
    if let value { string(value) } else { raw("null") }
  }

  /// An integer as a member.
  public mutating func member(_ name: StaticString, _ value: some FixedWidthInteger) {
    key(name)
    integer(value)
  }

  /// An integer as a member whose name is only known at run time.
  public mutating func member(escaping name: String, _ value: some FixedWidthInteger) {
    separate()
    string(name)
    bytes.append(UInt8(ascii: ":"))
    integer(value)
  }

  /// A text as a member whose name is only known at run time.
  public mutating func member(escaping name: String, _ value: String) {
    separate()
    string(name)
    bytes.append(UInt8(ascii: ":"))
    string(value)
  }

  /// A boolean as a member.
  public mutating func member(_ name: StaticString, _ value: Bool) {
    key(name)
    raw(value ? "true" : "false")
  }

  /// A number as a member that is text already.
  public mutating func member(_ name: StaticString, number text: String) {
    key(name)
    raw(text)
  }

  /// A span as a member in milliseconds with microsecond resolution, rounded to the nearest.
  public mutating func member(_ name: StaticString, milliseconds span: Nanoseconds) {
    key(name)
    raw(span.milliseconds)
  }

  /// A value as a member whose name is only known at run time.
  public mutating func member(escaping name: String, _ value: (inout JSONWriter) -> Void) {
    separate()
    string(name)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
    value(&self)
  }

  /// An array as an element, or as the whole text.
  public mutating func array(_ elements: (inout JSONWriter) -> Void) {
    open(UInt8(ascii: "["))
    elements(&self)
    close(UInt8(ascii: "]"))
  }

  /// A text as an element.
  public mutating func element(_ value: String) {
    separate()
    string(value)
  }

  /// A boolean as an element.
  public mutating func element(_ value: Bool) {
    separate()
    raw(value ? "true" : "false")
  }

  /// A finite number as an element, a whole one without a point.
  public mutating func element(_ value: Double) {
    separate()
    raw(Int(exactly: value).map(String.init) ?? "\(value)")
  }

  /// `null` as an element.
  public mutating func null() {
    separate()
    raw("null")
  }

  /// Ends the text's line.
  public mutating func newline() {
    bytes.append(UInt8(ascii: "\n"))
  }
}

extension JSONWriter {
  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    needsComma = true
  }

  private mutating func open(_ bracket: UInt8) {
    separate()
    bytes.append(bracket)
    needsComma = false
  }

  private mutating func close(_ bracket: UInt8) {
    bytes.append(bracket)
    needsComma = true
  }

  /// Names are ours, so nothing in them must be escaped.
  private mutating func key(_ name: StaticString) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    bytes.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    bytes.append(UInt8(ascii: "\""))
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  /// Digit by digit: a text of its own would be made for each number of each answer.
  private mutating func integer(_ value: some FixedWidthInteger) {
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    // An integer has 64 bits here, so 20 digits at most.
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      var start = digits.count
      var rest = UInt64(value.magnitude)
      repeat {
        start -= 1
        digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
      } while rest != 0
      bytes.append(contentsOf: UnsafeBufferPointer(rebasing: digits[start...]))
    }
    needsComma = true
  }

  private mutating func raw(_ text: String) {
    bytes.append(contentsOf: text.utf8)
    needsComma = true
  }

  /// Most texts hold nothing to escape: those are copied whole.
  private mutating func string(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    var text = text
    text.withUTF8 { text in
      if text.contains(where: Self.mustEscape) {
        for byte in text { appendEscaped(byte) }
      } else {
        bytes.append(contentsOf: text)
      }
    }
    bytes.append(UInt8(ascii: "\""))
    needsComma = true
  }

  private static func mustEscape(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == 0x7F
  }

  private mutating func appendEscaped(_ byte: UInt8) {
    guard Self.mustEscape(byte) else { return bytes.append(byte) }
    bytes.append(UInt8(ascii: "\\"))
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
    case 0x0A: bytes.append(UInt8(ascii: "n"))
    case 0x0D: bytes.append(UInt8(ascii: "r"))
    case 0x09: bytes.append(UInt8(ascii: "t"))
    default:
      let digits = String(byte, radix: 16)
      bytes.append(contentsOf: "u00".utf8)
      if digits.utf8.count == 1 { bytes.append(UInt8(ascii: "0")) }
      bytes.append(contentsOf: digits.utf8)
    }
  }
}
