/// Header fields in one piece of memory: a head is taken in by one allocation, and let go of by one.
struct PackedFields: Sendable {
  /// A field where it stands. Good for as long as that memory is.
  struct Entry {
    var name: UnsafeRawBufferPointer
    var value: UnsafeRawBufferPointer
  }

  /// Of each field the two lengths, then its name and its value.
  private var bytes: [UInt8] = []
  /// How many there are.
  private(set) var count = 0
  /// How long their names are: bit `n` for a name of `n` bytes, or of `n` and a multiple of 64. Most names that are
  /// looked for are not there, and this tells so without a look at the others.
  private var nameLengths: UInt64 = 0

  /// No fields.
  init() {}

  /// Copies of these.
  init(_ entries: UnsafeBufferPointer<Entry>) {
    count = entries.count
    var size = 0
    for entry in entries {
      size += Self.size(of: entry)
      nameLengths |= Self.bit(of: entry.name.count)
    }
    bytes = [UInt8](unsafeUninitializedCapacity: size) { room, initialized in
      var rest = UnsafeMutableRawBufferPointer(room)
      for entry in entries { Self.write(entry, to: &rest) }
      initialized = size
    }
  }

  /// Adds a field after those that are there.
  mutating func append(_ entry: Entry) {
    withUnsafeTemporaryAllocation(byteCount: Self.size(of: entry), alignment: 1) { room in
      var rest = room
      Self.write(entry, to: &rest)
      bytes.append(contentsOf: room)
    }
    count += 1
    nameLengths |= Self.bit(of: entry.name.count)
  }

  private static func bit(of length: Int) -> UInt64 { 1 << UInt64(length & 63) }

  /// Whether one may have a name of this many bytes.
  @inline(__always)
  func mayHaveName(of length: Int) -> Bool { nameLengths & Self.bit(of: length) != 0 }

  /// Lends the fields where they stand.
  @inline(__always)
  func withEntries<Result>(_ body: (Entries) -> Result) -> Result {
    bytes.withUnsafeBytes { body(Entries(rest: $0)) }
  }

  /// Fields where they stand, one after the other.
  struct Entries: Sequence, IteratorProtocol {
    fileprivate var rest: UnsafeRawBufferPointer

    @inline(__always)
    mutating func next() -> Entry? { PackedFields.read(from: &rest) }

    /// What `body` says of the first that it has something to say of.
    @inline(__always)
    func first<Result>(_ body: (Entry) -> Result?) -> Result? {
      for entry in self {
        if let result = body(entry) { return result }
      }
      return nil
    }
  }

  // MARK: Form

  private typealias Lengths = (name: UInt32, value: UInt32)

  private static func size(of entry: Entry) -> Int {
    MemoryLayout<Lengths>.size + entry.name.count + entry.value.count
  }

  private static func write(_ entry: Entry, to rest: inout UnsafeMutableRawBufferPointer) {
    let lengths: Lengths = (UInt32(entry.name.count), UInt32(entry.value.count))
    rest.storeBytes(of: lengths, as: Lengths.self)
    rest = UnsafeMutableRawBufferPointer(rebasing: rest[MemoryLayout<Lengths>.size...])
    put(entry.name, into: &rest)
    put(entry.value, into: &rest)
  }

  @inline(__always)
  private static func put(_ piece: UnsafeRawBufferPointer, into rest: inout UnsafeMutableRawBufferPointer) {
    rest.copyMemory(from: piece)
    rest = UnsafeMutableRawBufferPointer(rebasing: rest[piece.count...])
  }

  /// Only what ``write(_:to:)`` has written is read, so the lengths need no doubting.
  @inline(__always)
  fileprivate static func read(from rest: inout UnsafeRawBufferPointer) -> Entry? {
    guard !rest.isEmpty else { return nil }
    let lengths = rest.loadUnaligned(as: Lengths.self)
    let name = take(MemoryLayout<Lengths>.size, Int(lengths.name), of: rest)
    let value = take(MemoryLayout<Lengths>.size + name.count, Int(lengths.value), of: rest)
    let size = MemoryLayout<Lengths>.size + name.count + value.count
    rest = take(size, rest.count - size, of: rest)
    return Entry(name: name, value: value)
  }

  @inline(__always)
  private static func take(_ offset: Int, _ count: Int, of bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: bytes.baseAddress! + offset, count: count)
  }
}

extension PackedFields.Entry {
  /// Whether the field has this name, in any case of ASCII letters (RFC 9110 section 5.1). Most names are of different
  /// lengths.
  @inline(__always)
  func isNamed(_ name: StaticString) -> Bool {
    self.name.count == name.utf8CodeUnitCount
      && HTTPFields.isSame(self.name, UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
  }

  /// The value as text.
  var text: String { String(decoding: value, as: UTF8.self) }
}
