import Basics
import Echo

/// What the feeds of a loop are told, made once for all that are at the same place in the log.
///
/// A piece ends where ``Limits/feedPiece`` bytes are full, and at numbers that ``Limits/datagramsPerRead`` divides:
/// feeds that fell behind at different places come together there.
struct FeedPieces {
  /// Some events, in one piece of bytes.
  struct Piece {
    /// The number after which it begins.
    let after: UInt64
    /// The number of its last datagram.
    let last: UInt64
    /// What comes later is no part of it.
    let isWhole: Bool
    let bytes: [UInt8]
  }

  private var excerpt = DatagramExcerpt(capacity: Limits.datagramsPerRead)
  private var kept: [Piece] = []
  /// Which is replaced next.
  private var oldest = 0

  /// The events that come next after a number, and how many before them are gone; nil where nothing is new.
  mutating func next(after number: UInt64, in log: DatagramLog) -> (missed: UInt64, piece: Piece)? {
    let newest = log.newest
    guard number < newest else { return nil }
    let old = kept.firstIndex { $0.after == number }
    if let old, kept[old].isWhole || kept[old].last == newest { return (0, kept[old]) }
    let missed = log.read(after: number, into: &excerpt)
    let piece = piece(after: number + missed, log)
    keep(piece, at: old)
    return (missed, piece)
  }

  /// Nobody reads any more.
  mutating func removeAll() {
    kept = []
    oldest = 0
  }

  private func piece(after number: UInt64, _ log: DatagramLog) -> Piece {
    var bytes: [UInt8] = []
    var last = number
    var isWhole = false
    for (index, record) in excerpt.records.enumerated() where !isWhole {
      let identifier = log.identifier(of: record.number)
      bytes += EventStream.datagram(record, excerpt.bytes(at: index), identifier: identifier)
      last = record.number
      isWhole = bytes.count >= Limits.feedPiece || last.isMultiple(of: UInt64(Limits.datagramsPerRead))
    }
    return Piece(after: number, last: last, isWhole: isWhole, bytes: bytes)
  }

  private mutating func keep(_ piece: Piece, at index: Int?) {
    if let index {
      kept[index] = piece
    } else if kept.count < Limits.keptFeedPieces {
      kept.append(piece)
    } else {
      kept[oldest] = piece
      oldest = (oldest + 1) % kept.count
    }
  }
}
