import CMicroHTTPD
import Glibc

/// A response in libmicrohttpd's form. It counts references itself: this is one of them.
struct MHDResponse: ~Copyable {
  let pointer: OpaquePointer

  /// A response with its bytes.
  init(_ bytes: [UInt8]) {
    pointer = bytes.withUnsafeBytes {
      // Copied: the answer may leave long after this.
      MHD_create_response_from_buffer($0.count, UnsafeMutableRawPointer(mutating: $0.baseAddress), .RESPMEM_MUST_COPY)
    }!  // nil only without memory for a few hundred bytes.
  }

  /// A response with bytes that may change while nobody is sent it; their memory, of malloc(3), goes with it.
  init(owning bytes: UnsafeMutableRawBufferPointer) {
    pointer = MHD_create_response_from_buffer(bytes.count, bytes.baseAddress, .RESPMEM_MUST_FREE)!
  }

  /// A response whose bytes come with time. To HEAD it says nothing of chunks and ends its connection: libmicrohttpd
  /// 0.9.75 would send the last chunk of a body that is not there.
  init(_ body: StreamingBody, isHead: Bool) {
    pointer = MHD_create_response_from_callback(
      CMHD_SIZE_UNKNOWN, StreamingBody.block, readBody, Unmanaged.passRetained(body).toOpaque(), closeBody)!
    if isHead { cmhd_forgo_chunks(pointer) }
  }

  deinit {
    MHD_destroy_response(pointer)
  }

  borrowing func add(_ name: String, _ value: String) {
    // Fails only for names and values that are no header, which are our own.
    let isAdded = name.withCString { name in value.withCString { MHD_add_response_header(pointer, name, $0) } }
    precondition(isAdded == .YES, "the response header '\(name)' is not one")
  }

  /// Where the response has the value of the field that was added last, so that another of its length can be written
  /// over it; nil where it does not stand as it was given.
  ///
  /// libmicrohttpd shows its copy as constant, and it is memory of malloc(3) all the same.
  borrowing func placeOfLast(_ name: String, _ value: String) -> UnsafeMutableRawBufferPointer? {
    var last: (name: UnsafePointer<CChar>?, value: UnsafePointer<CChar>?)
    withUnsafeMutablePointer(to: &last) { last in
      _ = MHD_get_response_headers(
        pointer,
        { context, _, name, value in
          context!.assumingMemoryBound(to: (name: UnsafePointer<CChar>?, value: UnsafePointer<CChar>?).self).pointee =
            (name, value)
          return .YES
        }, last)
    }
    guard let lastName = last.name, let lastValue = last.value, strcmp(lastName, name) == 0,
      strcmp(lastValue, value) == 0, strlen(lastValue) == value.utf8.count
    else { return nil }
    return UnsafeMutableRawBufferPointer(start: UnsafeMutableRawPointer(mutating: lastValue), count: value.utf8.count)
  }

  /// Takes a field away that was added.
  borrowing func remove(_ name: String, _ value: String) {
    let isRemoved = name.withCString { name in value.withCString { MHD_del_response_header(pointer, name, $0) } }
    precondition(isRemoved == .YES, "the response has no header '\(name)' of this value")
  }
}

private let readBody: MHD_ContentReaderCallback = { context, _, room, count in
  let body = Unmanaged<StreamingBody>.fromOpaque(context!).takeUnretainedValue()
  return body.worker.read(body, into: room!, count)
}

private let closeBody: MHD_ContentReaderFreeCallback = { context in
  Unmanaged<StreamingBody>.fromOpaque(context!).takeRetainedValue().close()
}
