import Basics
import CMicroHTTPD

/// The fields of a head, as libmicrohttpd lists them, and whether they stand in memory as they should.
struct ReceivedFields {
  var fields = HTTPFields()
  var layout: HeadLayout?
  var plainness = Plainness()

  /// Reads the fields of the request that is under way on a connection, or those behind its body.
  mutating func read(_ kind: MHD_ValueKind = .HEADER_KIND, from handle: OpaquePointer) {
    fields.reserveCapacity(8)
    withUnsafeMutablePointer(to: &self) { received in
      _ = MHD_get_connection_values_n(
        handle, kind,
        { context, _, name, nameSize, value, valueSize in
          let received = context!.assumingMemoryBound(to: ReceivedFields.self)
          let nameBytes = UnsafeRawBufferPointer(start: name, count: name == nil ? 0 : nameSize)
          let valueBytes = UnsafeRawBufferPointer(start: value, count: value == nil ? 0 : valueSize)
          received.pointee.fields.append(
            String(decoding: nameBytes, as: UTF8.self), String(decoding: valueBytes, as: UTF8.self))
          received.pointee.plainness.note(name: nameBytes, value: valueBytes)
          received.pointee.layout?.note(name: name, value: value, valueSize: valueSize)
          return .YES
        }, received)
    }
  }
}

/// Whether the fields of a head are of the plain kind that nearly every request has, told from their bytes as they
/// come: then the ``HeaderGuard`` has nothing against them, and need not look at each. What is in doubt is not plain.
struct Plainness {
  /// What the fields take of a head: names, values, and four bytes each between them.
  private(set) var bytes = 0
  private var isPlain = true
  /// A value has white space behind it.
  private(set) var endsBlank = false
  private var hosts = 0
  private var lengths = 0

  /// All fields are harmless, there is one Host, and at most one length, which is one.
  var isAcceptable: Bool { isPlain && hosts == 1 && lengths <= 1 }

  mutating func note(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
    if let last = value.last { endsBlank = endsBlank || HTTPFields.isBlank(last) }
    guard isPlain else { return }
    bytes += name.count + value.count + 4
    isPlain =
      !name.isEmpty && name.allSatisfy(HeaderGuard.isTokenByte) && value.allSatisfy { $0 >= 0x20 && $0 < 0x7F }
    // Lengths tell most names apart.
    switch name.count {
    case 4 where Self.isSame(name, "host"): hosts += 1
    case 6 where Self.isSame(name, "cookie"): isPlain = false
    case 14 where Self.isSame(name, "content-length"):
      lengths += 1
      // As many digits fit into every integer.
      isPlain = isPlain && (1...Self.sureDigits).contains(value.count) && value.allSatisfy(\.isASCIIDigit)
    case 17 where Self.isSame(name, "transfer-encoding"): isPlain = false
    default: break
    }
  }

  private static let sureDigits = 18

  private static func isSame(_ name: UnsafeRawBufferPointer, _ lowercased: StaticString) -> Bool {
    lowercased.withUTF8Buffer { zip(name, $0).allSatisfy { $0.asciiLowercased == $1 } }
  }
}
