import Basics
import Foundation
import Sockets
import TestSupport
import Testing

@testable import Echo

/// The ring and its numbers, without a server.
@Suite struct DatagramLogTests {
  private static let source = SocketAddress("192.0.2.1:5000")!
  private static let destination = SocketAddress("127.0.0.1:9999")!

  /// Records payloads as one batch.
  private func write(_ payloads: [[UInt8]], to log: DatagramLog, from source: SocketAddress = source) {
    log.write { record in
      for payload in payloads {
        payload.withUnsafeBytes { bytes in
          record(
            DatagramNote(
              source: source, destination: Self.destination, receivedAt: WallTime(nanoseconds: 5), bytes: bytes,
              fate: .echoed))
        }
      }
    }
  }

  private func numbers(of log: DatagramLog, after number: UInt64, room: Int = 100) -> (missed: UInt64, [UInt64]) {
    var excerpt = DatagramExcerpt(capacity: room)
    let missed = log.read(after: number, into: &excerpt)
    return (missed, excerpt.records.map(\.number))
  }

  private func numbers(of log: DatagramLog, before number: UInt64, room: Int = 100) -> [UInt64] {
    var excerpt = DatagramExcerpt(capacity: room)
    log.read(before: number, into: &excerpt)
    return excerpt.records.map(\.number)
  }

  @Test func anEmptyLogHasNothingAndMissedNothing() {
    let log = DatagramLog(capacity: 8)
    #expect(log.newest == 0 && log.oldest == 1)
    #expect(numbers(of: log, after: 0) == (0, []))
    #expect(numbers(of: log, before: .max) == [] && numbers(of: log, before: 0) == [])
  }

  @Test func theNewestAreKeptAndWhatWasOverwrittenIsCounted() {
    let log = DatagramLog(capacity: 8)
    for number in 1...20 { write([[UInt8(number)]], to: log) }
    #expect(log.newest == 20 && log.oldest == 13)
    #expect(numbers(of: log, after: 0) == (12, Array(13...20)))
    #expect(numbers(of: log, after: 11) == (1, Array(13...20)))
    #expect(numbers(of: log, after: 12) == (0, Array(13...20)))
    #expect(numbers(of: log, after: 17) == (0, [18, 19, 20]))
    #expect(numbers(of: log, after: 20) == (0, []))
    #expect(numbers(of: log, after: 2, room: 3) == (10, [13, 14, 15]), "an excerpt is bounded by its room")
  }

  @Test func pagesBackwardsMeetEachDatagramOnce() {
    let log = DatagramLog(capacity: 8)
    for number in 1...11 { write([[UInt8(number)]], to: log) }
    #expect(numbers(of: log, before: .max, room: 3) == [9, 10, 11])
    #expect(numbers(of: log, before: 9, room: 3) == [6, 7, 8])
    #expect(numbers(of: log, before: 6, room: 3) == [4, 5])
    #expect(numbers(of: log, before: 4, room: 3) == [])
  }

  @Test func aDatagramIsKeptWithItsLengthAndItsFirstKilobyte() {
    let log = DatagramLog()
    let payloads = [0, 1, 1023, 1024, 1025, 65_507].map(pattern)
    write(payloads, to: log)
    var excerpt = DatagramExcerpt(capacity: 6)
    #expect(log.read(after: 0, into: &excerpt) == 0)
    for (index, payload) in payloads.enumerated() {
      #expect(excerpt.records[index].length == payload.count)
      #expect(Array(excerpt.bytes(at: index)) == Array(payload.prefix(1024)))
    }
    #expect(excerpt.records[0].source == Self.source && excerpt.records[0].destination == Self.destination)
    #expect(excerpt.records[0].receivedAt == WallTime(nanoseconds: 5))
  }

  @Test func anExcerptIsFilledAnewEachTime() {
    let log = DatagramLog(capacity: 8)
    write([[1, 1, 1], [2]], to: log)
    var excerpt = DatagramExcerpt(capacity: 1)
    _ = log.read(after: 0, into: &excerpt)
    _ = log.read(after: 1, into: &excerpt)
    #expect(excerpt.records.map(\.number) == [2] && Array(excerpt.bytes(at: 0)) == [2])
    _ = log.read(after: 2, into: &excerpt)
    #expect(excerpt.records.isEmpty)
  }

  @Test func theGatewaysOwnAreToldByTheirSource() {
    let log = DatagramLog(capacity: 8) { $0.port == 5000 }
    write([[1]], to: log)
    write([[2]], to: log, from: SocketAddress("192.0.2.1:5001")!)
    var excerpt = DatagramExcerpt(capacity: 8)
    _ = log.read(after: 0, into: &excerpt)
    #expect(excerpt.records.map(\.isOwn) == [true, false])
  }

  @Test func threadsWriteInOneOrderAndAReaderMissesNothingUncounted() async {
    let log = DatagramLog(capacity: 64)
    let (threads, batches) = (4, 500)
    let writers = (0..<threads).map { thread in
      Thread {
        var random = SeededGenerator(seed: UInt64(thread))
        for batch in 0..<batches {
          let size = Int.random(in: 1...5, using: &random)
          write((0..<size).map { [UInt8(thread), UInt8(batch & 255), UInt8($0), UInt8(size)] }, to: log)
        }
      }
    }
    for writer in writers { writer.start() }
    var seen = Seen(threads: threads)
    var excerpt = DatagramExcerpt(capacity: 7)
    while !writers.allSatisfy(\.isFinished) || seen.cursor < log.newest {
      seen.note(missed: log.read(after: seen.cursor, into: &excerpt), excerpt)
    }
    #expect(seen.faults.isEmpty, "\(seen.faults.prefix(3))")
    #expect(seen.count + seen.missed == Int(log.newest) && log.newest >= UInt64(threads * batches))
  }

  /// What a reader has seen, and what must not be.
  private struct Seen {
    var cursor: UInt64 = 0
    var count = 0
    var missed = 0
    var faults: [String] = []
    private var last: [UInt8]?
    private let threads: Int

    init(threads: Int) {
      self.threads = threads
    }

    mutating func note(missed: UInt64, _ excerpt: DatagramExcerpt) {
      self.missed += Int(missed)
      if missed > 0 { last = nil }
      cursor += missed
      for (index, record) in excerpt.records.enumerated() {
        cursor += 1
        count += 1
        let bytes = Array(excerpt.bytes(at: index))
        if record.number != cursor { faults.append("\(record.number) came after \(cursor - 1)") }
        if bytes.count != 4 || bytes[0] >= threads { faults.append("\(bytes) was written by nobody") }
        if let last, last[2] + 1 < last[3], bytes[..<2] != last[..<2] || bytes[2] != last[2] + 1 {
          faults.append("\(bytes) stands amid the batch of \(last)")
        }
        last = bytes
      }
    }
  }

  @Test func anIdentifierLeadsToItsNumberInItsOwnLogAlone() {
    let log = DatagramLog(capacity: 8, epoch: 0x1234_5678)
    write([[1], [2]], to: log)
    let identifiers = (1...2).map { log.identifier(of: $0) }
    #expect(Set(identifiers).count == 2 && identifiers.map { log.number(of: $0) } == [1, 2])
    #expect(log.number(of: log.identifier(of: 3)) == nil, "it has not come yet")
    let other = DatagramLog(capacity: 8)
    write([[1], [2]], to: other)
    #expect(other.number(of: identifiers[0]) == nil && other.identifier(of: 1) != identifiers[0])
    let epoch = identifiers[0].dropLast(2)
    for text in ["", "-", "1", "\(epoch)", "\(epoch)-", "\(epoch)-01", "\(epoch)-1-1", "\(epoch)-+1", "\(epoch)--1"] {
      #expect(log.number(of: text) == nil, "\(text)")
    }
  }
}
