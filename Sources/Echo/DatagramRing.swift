import Basics

/// The newest datagrams in memory that is made once: a value without a lock.
///
/// A datagram's number says where it is. Numbers ascend by one, so that what was overwritten can be counted.
struct DatagramRing: Sendable {
  /// How many it holds.
  let capacity: Int
  /// How many there have been: the number of the newest.
  private(set) var newest: UInt64 = 0
  private var records: [RecordedDatagram]
  private var payloads: [UInt8]

  /// - Parameter capacity: a power of two.
  init(capacity: Int) {
    precondition(capacity > 0 && capacity & (capacity - 1) == 0)
    self.capacity = capacity
    records = Array(repeating: RecordedDatagram(), count: capacity)
    payloads = Array(repeating: 0, count: capacity * Limits.recordedBytes)
  }

  /// The number of the oldest that is there; one more than ``newest`` where none is.
  var oldest: UInt64 {
    newest < UInt64(capacity) ? 1 : newest - UInt64(capacity) + 1
  }

  private func slot(of number: UInt64) -> Int {
    Int(truncatingIfNeeded: number) & (capacity - 1)
  }

  /// Adds a datagram in the place of the oldest.
  mutating func append(_ note: DatagramNote, isOwn: Bool) {
    newest += 1
    let slot = slot(of: newest)
    records[slot] = RecordedDatagram(
      number: newest, receivedAt: note.receivedAt, source: note.source, destination: note.destination,
      length: note.bytes.count, fate: note.fate, impairments: note.impairments, isOwn: isOwn)
    let kept = records[slot].keptLength
    payloads.withUnsafeMutableBytes { payloads in
      let start = slot * Limits.recordedBytes
      UnsafeMutableRawBufferPointer(rebasing: payloads[start..<start + kept])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: note.bytes[..<kept]))
    }
  }

  /// Copies datagrams with the numbers of a range, which must be there, to the end of an excerpt that has room for
  /// them.
  func copy(_ numbers: ClosedRange<UInt64>, to excerpt: inout DatagramExcerpt) {
    for number in numbers {
      let slot = slot(of: number)
      let start = slot * Limits.recordedBytes
      payloads.withUnsafeBytes { payloads in
        let kept = payloads[start..<start + records[slot].keptLength]
        excerpt.append(records[slot], UnsafeRawBufferPointer(rebasing: kept))
      }
    }
  }
}
