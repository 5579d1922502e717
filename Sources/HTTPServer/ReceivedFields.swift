import Basics
import CMicroHTTPD

/// The fields of a head, as libmicrohttpd lists them, and whether they stand in memory as they should.
struct ReceivedFields: ~Copyable {
  private(set) var fields = HTTPFields()
  private(set) var layout: HeadLayout?
  private(set) var plainness = Plainness()

  /// None yet.
  ///
  /// - Parameter layout: what is known of the request line's place; nil where the fields' is of no interest.
  init(layout: HeadLayout? = nil) {
    self.layout = layout
  }

  /// Reads the fields of the request that is under way on a connection, or those behind its body.
  mutating func read(_ kind: MHD_ValueKind = .HEADER_KIND, from handle: OpaquePointer) {
    let count = Int(MHD_get_connection_values_n(handle, kind, nil, nil))
    withUnsafeTemporaryAllocation(of: PackedFields.Entry.self, capacity: count) { room in
      // What is copied once, into memory of the right size, is not copied again to make room.
      var rest = room.baseAddress!
      withUnsafeMutablePointer(to: &rest) { rest in
        _ = MHD_get_connection_values_n(handle, kind, noteField, rest)
      }
      let entries = UnsafeBufferPointer(start: room.baseAddress, count: rest - room.baseAddress!)
      for entry in entries {
        plainness.note(entry)
        layout?.note(entry)
      }
      fields = HTTPFields(PackedFields(entries))
    }
  }

  /// Hands the fields to the guard, with the request line.
  consuming func guarded(_ method: HTTPMethod, _ target: String, _ version: HTTPVersion) -> HeaderGuard {
    HeaderGuard(method: method, target: target, version: version, fields: fields, plainness: plainness)
  }
}

/// Is told each field, and notes it where its context points to, which has room for all.
private let noteField: MHD_KeyValueIteratorN = { context, _, name, nameSize, value, valueSize in
  let rest = context!.assumingMemoryBound(to: UnsafeMutablePointer<PackedFields.Entry>.self)
  rest.pointee.initialize(
    to: PackedFields.Entry(
      name: UnsafeRawBufferPointer(start: name, count: name == nil ? 0 : nameSize),
      value: UnsafeRawBufferPointer(start: value, count: value == nil ? 0 : valueSize)))
  rest.pointee += 1
  return .YES
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

  mutating func note(_ field: PackedFields.Entry) {
    if let last = field.value.last { endsBlank = endsBlank || HTTPFields.isBlank(last) }
    guard isPlain else { return }
    bytes += field.name.count + field.value.count + 4
    isPlain = !field.name.isEmpty && field.name.allSatisfy(HeaderGuard.isTokenByte) && field.value.isPrintableASCII
    // Lengths tell most names apart.
    switch field.name.count {
    case 4 where field.isNamed("host"): hosts += 1
    case 6 where field.isNamed("cookie"): isPlain = false
    case 14 where field.isNamed("content-length"):
      lengths += 1
      // As many digits fit into every integer.
      isPlain = isPlain && (1...Self.sureDigits).contains(field.value.count) && field.value.allSatisfy(\.isASCIIDigit)
    case 17 where field.isNamed("transfer-encoding"): isPlain = false
    default: break
    }
  }

  private static let sureDigits = 18
}
