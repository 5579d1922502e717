/// Writes JSON (RFC 8259) as UTF-8 bytes, member by member: what is on the path of every message builds no tree.
///
/// Commas are the writer's business; that a member stands in an object and an element in an array is the caller's.
public struct JSONWriter {
  /// Written to as memory, a piece at a time: to append to an array is to ask each time whose it is and what it holds.
  private var storage: [UInt8]
  private var count = 0
  private var needsComma = false

  /// An empty text with room for `capacity` bytes.
  public init(capacity: Int = 256) {
    storage = [UInt8](repeating: 0, count: capacity)
  }

  /// What is written so far.
  public var bytes: [UInt8] { Array(storage[..<count]) }

  /// One whole object as a text of its own, ended by a newline as every JSON answer is.
  public static func text(_ members: (inout JSONWriter) -> Void) -> [UInt8] {
    var writer = JSONWriter()
    writer.object(members)
    writer.newline()
    writer.storage.removeLast(writer.storage.count - writer.count)
    return writer.storage
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
    write(":")
    integer(value)
  }

  /// A text as a member whose name is only known at run time.
  public mutating func member(escaping name: String, _ value: String) {
    separate()
    string(name)
    write(":")
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
    write(":")
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
    write("\n")
  }
}

extension JSONWriter {
  /// Has `fill` write up to `room` bytes behind those that are there, and say how many those are.
  @inline(__always)
  private mutating func write(upTo room: Int, _ fill: (UnsafeMutablePointer<UInt8>) -> Int) {
    if storage.count - count < room {
      storage.append(contentsOf: repeatElement(0, count: max(room, storage.count)))
    }
    count += storage.withUnsafeMutableBufferPointer { [count] in fill($0.baseAddress! + count) }
  }

  private mutating func write(_ character: Unicode.Scalar) {
    write(byte: UInt8(ascii: character))
  }

  private mutating func write(byte: UInt8) {
    write(upTo: 1) {
      $0.pointee = byte
      return 1
    }
  }

  private mutating func write(_ text: UnsafeBufferPointer<UInt8>) {
    guard let start = text.baseAddress else { return }
    write(upTo: text.count) {
      $0.update(from: start, count: text.count)
      return text.count
    }
  }

  private mutating func separate() {
    if needsComma { write(",") }
    needsComma = true
  }

  private mutating func open(_ bracket: UInt8) {
    separate()
    write(byte: bracket)
    needsComma = false
  }

  private mutating func close(_ bracket: UInt8) {
    write(byte: bracket)
    needsComma = true
  }

  /// Names are ours, so nothing in them must be escaped.
  private mutating func key(_ name: StaticString) {
    let length = name.utf8CodeUnitCount
    write(upTo: length + 4) { [needsComma] room in
      var end = room
      func add(_ character: Unicode.Scalar) {
        end.pointee = UInt8(ascii: character)
        end += 1
      }
      if needsComma { add(",") }
      add("\"")
      end.update(from: name.utf8Start, count: length)
      end += length
      add("\"")
      add(":")
      return end - room
    }
    needsComma = false
  }

  /// Digit by digit: a text of its own would be made for each number of each answer.
  private mutating func integer(_ value: some FixedWidthInteger) {
    if value < 0 { write("-") }
    // An integer has 64 bits here, so 20 digits at most.
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      var start = digits.count
      var rest = UInt64(value.magnitude)
      repeat {
        start -= 1
        digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
      } while rest != 0
      write(UnsafeBufferPointer(rebasing: digits[start...]))
    }
    needsComma = true
  }

  private mutating func raw(_ text: String) {
    var text = text
    text.withUTF8 { write($0) }
    needsComma = true
  }

  /// Most texts hold nothing to escape: those are copied whole.
  private mutating func string(_ text: String) {
    var text = text
    text.withUTF8 { text in
      if text.contains(where: Self.mustEscape) {
        write("\"")
        for byte in text { writeEscaped(byte) }
        return write("\"")
      }
      write(upTo: text.count + 2) { room in
        room[0] = UInt8(ascii: "\"")
        if let start = text.baseAddress { (room + 1).update(from: start, count: text.count) }
        room[text.count + 1] = UInt8(ascii: "\"")
        return text.count + 2
      }
    }
    needsComma = true
  }

  private static func mustEscape(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == 0x7F
  }

  private mutating func writeEscaped(_ byte: UInt8) {
    guard Self.mustEscape(byte) else { return write(byte: byte) }
    write("\\")
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): write(byte: byte)
    case 0x0A: write("n")
    case 0x0D: write("r")
    case 0x09: write("t")
    default:
      let digits = String(byte, radix: 16)
      raw(digits.utf8.count == 1 ? "u000" : "u00")
      raw(digits)
    }
  }
}
