import CMicroHTTPD

/// The fields of a head, as libmicrohttpd lists them, and whether they stand in memory as they should.
struct ReceivedFields {
  var fields = HTTPFields()
  var layout: HeadLayout?

  /// Reads the fields of the request that is under way on a connection, or those behind its body.
  mutating func read(_ kind: MHD_ValueKind = .HEADER_KIND, from handle: OpaquePointer) {
    fields.reserveCapacity(8)
    withUnsafeMutablePointer(to: &self) { received in
      _ = MHD_get_connection_values_n(
        handle, kind,
        { context, _, name, nameSize, value, valueSize in
          let received = context!.assumingMemoryBound(to: ReceivedFields.self)
          received.pointee.fields.append(text(name, nameSize), text(value, valueSize))
          received.pointee.layout?.note(name: name, value: value, valueSize: valueSize)
          return .YES
        }, received)
    }
  }
}

private func text(_ bytes: UnsafePointer<CChar>?, _ count: Int) -> String {
  guard let bytes else { return "" }
  return String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self)
}
