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
  /// The fields that do not stay, and where the response has their values.
  private var own: [(field: HTTPFields.Field, place: UnsafeMutableRawBufferPointer?)] = []

  fileprivate init(_ common: HTTPFields.Common, count: Int) {
    self.common = common
    body = UnsafeMutableRawBufferPointer(start: malloc(count)!, count: count)
    native = MHDResponse(owning: body)
    for field in common.fields { native.add(field.name, field.value) }
  }

  /// How many bytes it has.
  fileprivate var count: Int { body.count }

  fileprivate func fill(_ bytes: [UInt8], _ fields: [HTTPFields.Field]) {
    bytes.withUnsafeBytes { body.copyMemory(from: $0) }
    if overwrites(fields) { return }
    for (field, _) in own { native.remove(field.name, field.value) }
    own = fields.map { field in
      native.add(field.name, field.value)
      return (field, native.placeOfLast(field.name, field.value))
    }
  }

  /// Writes the values over those that are there, if they are of the same fields and as long: a time that took as long
  /// as most.
  private func overwrites(_ fields: [HTTPFields.Field]) -> Bool {
    guard fields.count == own.count else { return false }
    for index in fields.indices {
      guard fields[index].name == own[index].field.name, fields[index].value.utf8.count == own[index].place?.count
      else { return false }
    }
    for index in fields.indices {
      let place = own[index].place!
      var value = fields[index].value
      own[index].field.value = value
      value.withUTF8 { value in
        // What libmicrohttpd would refuse to take.
        precondition(!value.contains { $0 == 0 || $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\n") })
        place.copyMemory(from: UnsafeRawBufferPointer(value))
      }
    }
    return true
  }
}

/// The responses that are ready to be sent again. libmicrohttpd fixes a response's length, so they are told apart by
/// that; what a gateway answers most differs by a digit or two.
struct KeptResponses {
  /// What tells a response from others stands beside it: to look for one touches no other's memory.
  private var resting: [(count: Int, common: ObjectIdentifier, response: KeptResponse)] = []
  /// More are not looked through. All connections of two daemons may be sent an answer at once.
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
  mutating func giveBack(_ response: KeptResponse) {
    if resting.count == Self.capacity { resting.removeFirst() }
    resting.append((response.count, ObjectIdentifier(response.common), response))
  }

  /// How many rest.
  var count: Int { resting.count }
}
