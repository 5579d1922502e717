import CMicroHTTPD
import Glibc

/// A response in libmicrohttpd's form that is sent again and again, each time with other bytes: to make one is three
/// allocations a field, and as many to undo that.
final class KeptResponse {
  let native: MHDResponse
  /// The fields that stay.
  let common: HTTPFields.Common
  /// The response's own memory.
  private let body: UnsafeMutableRawBufferPointer
  /// The fields that do not stay.
  private var own: [HTTPFields.Field] = []

  fileprivate init(_ common: HTTPFields.Common, count: Int) {
    self.common = common
    body = UnsafeMutableRawBufferPointer(start: malloc(count)!, count: count)
    native = MHDResponse(owning: body)
    for field in common.fields { native.add(field.name, field.value) }
  }

  /// How many bytes it has.
  var count: Int { body.count }

  fileprivate func fill(_ bytes: [UInt8], _ fields: [HTTPFields.Field]) {
    bytes.withUnsafeBytes { body.copyMemory(from: $0) }
    for field in own { native.remove(field.name, field.value) }
    for field in fields { native.add(field.name, field.value) }
    own = fields
  }
}

/// The responses that are ready to be sent again. libmicrohttpd fixes a response's length, so they are told apart by
/// that; what a gateway answers most differs by a digit or two.
struct KeptResponses {
  private var resting: [KeptResponse] = []
  /// More are not looked through.
  static let capacity = 16
  /// Longer ones are not worth their memory.
  private static let largestBody = 2_048

  /// A response that nobody has, with these fields and bytes; nil where such are not kept.
  mutating func take(_ fields: HTTPFields, _ bytes: [UInt8]) -> KeptResponse? {
    guard let common = fields.common, 1...Self.largestBody ~= bytes.count else { return nil }
    let place = resting.lastIndex { $0.count == bytes.count && $0.common === common }
    let response = place.map { resting.remove(at: $0) } ?? KeptResponse(common, count: bytes.count)
    response.fill(bytes, fields.own)
    return response
  }

  /// Takes one back that libmicrohttpd sends no more; the one that rested longest gives way.
  mutating func giveBack(_ response: KeptResponse) {
    if resting.count == Self.capacity { resting.removeFirst() }
    resting.append(response)
  }

  /// How many rest.
  var count: Int { resting.count }
}
