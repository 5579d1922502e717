import Basics
import CMicroHTTPD
import Glibc

/// A response in libmicrohttpd's form that is sent again and again, each time with other bytes: to make one is three
/// allocations a field, and as many to undo that.
final class KeptResponse {
  let native: MHDResponse
  /// The fields that stay.
  fileprivate let common: HTTPFields.Common
  /// The response's own memory.
  private let body: UnsafeMutableRawBufferPointer
  /// The fields that do not stay, as they were when they were added.
  private var own = PackedFields()
  /// Where the response has the value of each, and may have got another one since.
  private var places: [UnsafeMutableRawBufferPointer?] = []

  fileprivate init(_ common: HTTPFields.Common, count: Int) {
    self.common = common
    body = UnsafeMutableRawBufferPointer(start: malloc(count)!, count: count)
    native = MHDResponse(owning: body)
    for field in common.fields { native.add(field.name, field.value) }
  }

  /// How many bytes it has.
  fileprivate var count: Int { body.count }

  fileprivate func fill(_ bytes: [UInt8], _ fields: PackedFields) {
    bytes.withUnsafeBytes { body.copyMemory(from: $0) }
    if overwrites(fields) { return }
    for (field, place) in zip(HTTPFields(own), places) {
      native.remove(field.name, place.map { String(decoding: $0, as: UTF8.self) } ?? field.value)
    }
    own = fields
    places = HTTPFields(fields).map { field in
      native.add(field.name, field.value)
      return native.placeOfLast(field.name, field.value)
    }
  }

  /// Writes the values over those that are there, if they are of the same fields and as long: a time that took as long
  /// as most.
  private func overwrites(_ fields: PackedFields) -> Bool {
    guard fields.count == own.count else { return false }
    return fields.withEntries { fields in
      let isOfSameForm = own.withEntries { own in
        zip(zip(own, fields), places).allSatisfy { pair, place in
          HTTPFields.isSame(pair.0.name, pair.1.name) && pair.1.value.count == place?.count
        }
      }
      if isOfSameForm { for (field, place) in zip(fields, places) { Self.write(field.value, over: place!) } }
      return isOfSameForm
    }
  }

  private static func write(_ value: UnsafeRawBufferPointer, over place: UnsafeMutableRawBufferPointer) {
    // What libmicrohttpd would refuse to take.
    precondition(!value.contains { $0 == 0 || $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\n") })
    place.copyMemory(from: value)
  }
}

/// The responses that are ready to be sent again. libmicrohttpd fixes a response's length, so they are told apart by
/// that; what a gateway answers most differs by a digit or two.
struct KeptResponses {
  /// What tells a response from others stands beside it: to look for one touches no other's memory.
  private var resting: [(count: Int, common: ObjectIdentifier, response: KeptResponse)] = []
  /// More are not looked through. All connections of a daemon may be sent an answer at once, and answers of a few other
  /// lengths are to be kept beside those.
  static let capacity = 2 * Limits.connectionsPerDaemon
  /// Longer ones are not worth their memory.
  private static let largestBody = 2_048

  /// A response that nobody has, with these fields and bytes; nil where such are not kept.
  mutating func take(_ fields: HTTPFields, _ bytes: [UInt8]) -> KeptResponse? {
    guard let common = fields.common, 1...Self.largestBody ~= bytes.count else { return nil }
    let kind = ObjectIdentifier(common)
    let place = resting.lastIndex { $0.count == bytes.count && $0.common == kind }
    let response = place.map { resting.remove(at: $0).response } ?? KeptResponse(common, count: bytes.count)
    response.fill(bytes, fields.own)
    return response
  }

  /// Takes one back that libmicrohttpd sends no more; the one that rested longest gives way.
  mutating func giveBack(_ response: consuming KeptResponse) {
    if resting.count == Self.capacity { resting.removeFirst() }
    resting.append((response.count, ObjectIdentifier(response.common), response))
  }

  /// How many rest.
  var count: Int { resting.count }
}
