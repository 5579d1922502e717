/// The payloads of one or more datagrams that lie one behind the other: all of one size, but for the last, which may be
/// shorter (udp(7), `UDP_GRO`).
public struct CoalescedPayloads: RandomAccessCollection {
  /// All of them.
  public let bytes: UnsafeRawBufferPointer
  /// How long each is, in bytes, but for the last.
  public let size: Int
  /// How many there are: an empty datagram is one too.
  public let count: Int

  /// Datagrams of `size` bytes; nil where there is one alone.
  public init(_ bytes: UnsafeRawBufferPointer, size: Int? = nil) {
    self.bytes = bytes
    guard let size, size > 0, size < bytes.count else {
      (self.size, count) = (bytes.count, 1)
      return
    }
    self.size = size
    count = (bytes.count + size - 1) / size
  }

  /// 0.
  public var startIndex: Int { 0 }
  /// ``count``.
  public var endIndex: Int { count }

  /// One datagram's payload.
  public subscript(index: Int) -> UnsafeRawBufferPointer {
    precondition(indices.contains(index), "datagram \(index) of \(count)")
    return UnsafeRawBufferPointer(rebasing: bytes[index * size..<byteCount(ofFirst: index + 1)])
  }

  /// How many bytes the first `number` of them have.
  public func byteCount(ofFirst number: Int) -> Int {
    Swift.min(number * size, bytes.count)
  }
}
