/// Writes JSON (RFC 8259) as UTF-8 bytes, member by member: what is on the path of every message builds no tree.
///
/// Commas are the writer's business; that a member stands in an object and an element in an array is the caller's.
public struct JSONWriter: ~Copyable {
  /// Written to as memory, a piece at a time: to append to an array is to ask each time whose it is and what it holds.
  private var room: UnsafeMutableBufferPointer<UInt8>
  /// The memory is somebody else's.
  private var isLent: Bool
  private var count = 0
  private var needsComma = false

  /// An empty text with room for `capacity` bytes.
  public init(capacity: Int = 256) {
    room = .allocate(capacity: capacity)
    isLent = false
  }

  private init(in room: UnsafeMutableBufferPointer<UInt8>) {
    self.room = room
    isLent = true
  }

  deinit {
    if !isLent { room.deallocate() }
  }

  /// What is written so far.
  public var bytes: [UInt8] { Array(UnsafeBufferPointer(rebasing: room[..<count])) }

  /// One whole object as a text of its own, ended by a newline as every JSON answer is.
  public static func text(_ members: (inout JSONWriter) -> Void) -> [UInt8] {
    // Most answers have room on the stack.
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 512) { room in
      var writer = JSONWriter(in: room)
      writer.object(members)
      writer.newline()
      return writer.bytes
    }
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
    if let value { string(value) } else { literal("null") }
  }

  /// Bytes as a text, or null where they are no UTF-8, as a member.
  ///
  /// - Returns: whether they are.
  public mutating func member(_ name: StaticString, utf8 bytes: Span<UInt8>) -> Bool {
    key(name)
    guard (try? UTF8Span(validating: bytes)) != nil else {
      literal("null")
      return false
    }
    bytes.withUnsafeBufferPointer { string($0) }
    return true
  }

  /// A text that needs no escapes as a member.
  ///
  /// - Parameters:
  ///   - length: how many bytes it has at most.
  ///   - fill: writes them, and says how many they are.
  public mutating func member(_ name: StaticString, upTo length: Int, _ fill: (UnsafeMutablePointer<UInt8>) -> Int) {
    key(name)
    quoted(upTo: length, fill)
  }

  /// An integer as a member.
  public mutating func member(_ name: StaticString, _ value: some FixedWidthInteger) {
    key(name)
    integer(value)
  }

  /// An integer as a member whose name is only known at run time.
  public mutating func member(escaping name: String, _ value: some FixedWidthInteger) {
    key(escaping: name)
    integer(value)
  }

  /// A text as a member whose name is only known at run time.
  public mutating func member(escaping name: String, _ value: String) {
    key(escaping: name)
    string(value)
  }

  /// A boolean as a member.
  public mutating func member(_ name: StaticString, _ value: Bool) {
    key(name)
    literal(value ? "true" : "false")
  }

  /// A number as a member that is text already.
  public mutating func member(_ name: StaticString, number text: String) {
    key(name)
    raw(text)
  }

  /// A span as a member in milliseconds with microsecond resolution, rounded to the nearest.
  public mutating func member(_ name: StaticString, milliseconds span: Nanoseconds) {
    key(name)
    write(upTo: Nanoseconds.longestMilliseconds) { span.writeMilliseconds(to: $0) }
    needsComma = true
  }

  /// A value as a member whose name is only known at run time.
  public mutating func member(escaping name: String, _ value: (inout JSONWriter) -> Void) {
    key(escaping: name)
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
    literal(value ? "true" : "false")
  }

  /// A finite number as an element, a whole one without a point.
  public mutating func element(_ value: Double) {
    separate()
    raw(Int(exactly: value).map(String.init) ?? "\(value)")
  }

  /// `null` as an element.
  public mutating func null() {
    separate()
    literal("null")
  }

  /// Ends the text's line.
  public mutating func newline() {
    write(byte: UInt8(ascii: "\n"))
  }
}

extension JSONWriter {
  /// Has `fill` write up to `length` bytes behind those that are there, and say how many those are.
  @inline(__always)
  private mutating func write(upTo length: Int, _ fill: (UnsafeMutablePointer<UInt8>) -> Int) {
    if room.count - count < length { grow(by: length) }
    count += fill(room.baseAddress! + count)
  }

  @inline(never)
  private mutating func grow(by length: Int) {
    let larger = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: room.count + max(length, room.count))
    larger.baseAddress!.update(from: room.baseAddress!, count: count)
    if !isLent { room.deallocate() }
    room = larger
    isLent = false
  }

  private mutating func quoted(upTo length: Int, _ fill: (UnsafeMutablePointer<UInt8>) -> Int) {
    write(upTo: length + 2) { room in
      room[0] = UInt8(ascii: "\"")
      let count = fill(room + 1)
      room[count + 1] = UInt8(ascii: "\"")
      return count + 2
    }
    needsComma = true
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
    if needsComma { write(byte: UInt8(ascii: ",")) }
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

  private mutating func key(escaping name: String) {
    separate()
    string(name)
    write(byte: UInt8(ascii: ":"))
  }

  /// Digit by digit: a text of its own would be made for each number of each answer.
  private mutating func integer(_ value: some FixedWidthInteger) {
    if value < 0 { write(byte: UInt8(ascii: "-")) }
    // An integer has 64 bits here, so 20 digits at most.
    write(upTo: 20) { writeDigits(of: UInt64(value.magnitude), to: $0) }
    needsComma = true
  }

  private mutating func literal(_ text: StaticString) {
    write(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    needsComma = true
  }

  private mutating func raw(_ text: String) {
    var text = text
    text.withUTF8 { write($0) }
    needsComma = true
  }

  private mutating func string(_ text: String) {
    var text = text
    text.withUTF8 { string($0) }
  }

  /// Most texts hold nothing to escape: those are copied whole.
  private mutating func string(_ text: UnsafeBufferPointer<UInt8>) {
    // All are looked at, whatever the first ones are: so the processor can do it by the sixteen.
    var escapes: UInt8 = 0
    for byte in text { escapes |= Self.mustEscape(byte) ? 1 : 0 }
    if escapes != 0 { return escaped(text) }
    quoted(upTo: text.count) { room in
      if let start = text.baseAddress { room.update(from: start, count: text.count) }
      return text.count
    }
  }

  @inline(never)
  private mutating func escaped(_ text: UnsafeBufferPointer<UInt8>) {
    write(byte: UInt8(ascii: "\""))
    for byte in text { if Self.mustEscape(byte) { writeEscape(byte) } else { write(byte: byte) } }
    write(byte: UInt8(ascii: "\""))
    needsComma = true
  }

  private static func mustEscape(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == 0x7F
  }

  private mutating func writeEscape(_ byte: UInt8) {
    write(byte: UInt8(ascii: "\\"))
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): write(byte: byte)
    case 0x0A: write(byte: UInt8(ascii: "n"))
    case 0x0D: write(byte: UInt8(ascii: "r"))
    case 0x09: write(byte: UInt8(ascii: "t"))
    default:
      let digits = String(byte, radix: 16)
      raw(digits.utf8.count == 1 ? "u000" : "u00")
      raw(digits)
    }
  }
}
