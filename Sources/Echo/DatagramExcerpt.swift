import Basics

/// Some of the datagrams of a log, copied out of it: what a reader keeps and fills again, so that nothing is allocated
/// while the log is locked.
public struct DatagramExcerpt: Sendable {
  /// How many it has room for.
  public let capacity: Int
  /// What is known of each, the oldest first.
  public private(set) var records: [RecordedDatagram] = []
  private var payloads: [UInt8] = []
  private var ends: [Int] = []

  /// Room for `capacity` datagrams.
  public init(capacity: Int) {
    self.capacity = capacity
    records.reserveCapacity(capacity)
    payloads.reserveCapacity(capacity * Limits.recordedBytes)
    ends.reserveCapacity(capacity)
  }

  /// The bytes that are kept of the datagram at an index of ``records``.
  public func bytes(at index: Int) -> ArraySlice<UInt8> {
    payloads[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
  }

  mutating func removeAll() {
    records.removeAll(keepingCapacity: true)
    payloads.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
  }

  mutating func append(_ record: RecordedDatagram, _ bytes: UnsafeRawBufferPointer) {
    records.append(record)
    payloads.append(contentsOf: bytes)
    ends.append(payloads.count)
  }
}
