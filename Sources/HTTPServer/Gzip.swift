import CZlib

/// Compresses what is sent often and read once: the page's files, when the server starts.
enum Gzip {
  /// A gzip file of one member (RFC 1952), without a name or a time: the same bytes give the same file.
  ///
  /// - Returns: nil past 4 GiB, which zlib takes in pieces only.
  static func compress(_ bytes: [UInt8]) -> [UInt8]? {
    var stream = z_stream()
    guard let size = UInt32(exactly: bytes.count), czlib_begin_gzip(&stream) == Z_OK else { return nil }
    defer { deflateEnd(&stream) }
    guard let bound = UInt32(exactly: deflateBound(&stream, uLong(size))) else { return nil }
    return bytes.withUnsafeBufferPointer { input in
      [UInt8](unsafeUninitializedCapacity: Int(bound)) { output, count in
        // zlib only reads from here; its type does not say so.
        stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        stream.avail_in = size
        stream.next_out = output.baseAddress
        stream.avail_out = bound
        let result = deflate(&stream, Z_FINISH)
        precondition(result == Z_STREAM_END, "deflate does not fit into what deflateBound promised")
        count = Int(stream.total_out)
      }
    }
  }
}
