public import Basics
public import Sockets
import Synchronization

/// The newest datagrams that an echo server saw, in one order over all its loops. From any thread.
///
/// A loop writes many datagrams under one lock, by plain copies into memory that is made once: nothing is allocated, no
/// text is made. Readers ask when they like; one that is slow finds that something is gone, and costs the writers
/// nothing.
public final class DatagramLog: Sendable {
  /// Tells whether the gateway sent a datagram that comes from an address.
  public typealias Origin = @Sendable (SocketAddress) -> Bool

  private let ring: Locked<DatagramRing>
  private let isOwn: Origin
  /// Tells the numbers of this log from those of another process.
  private let epoch: String
  /// The ring's, for those who look often.
  private let newestNumber = Atomic<UInt64>(0)

  /// An empty log.
  ///
  /// - Parameters:
  ///   - capacity: how many datagrams are kept; a power of two. Each takes ``Limits/recordedBytes`` and some 100 bytes.
  ///   - epoch: what tells this log's identifiers from others'; drawn, since nobody knows what was before a restart.
  public init(
    capacity: Int = Limits.recordedDatagrams, epoch: UInt64 = .random(in: 0...UInt64.max),
    isOwn: @escaping Origin = { _ in false }
  ) {
    ring = Locked(DatagramRing(capacity: capacity))
    self.epoch = String(epoch, radix: 36)
    self.isOwn = isOwn
  }

  /// The number of the newest datagram; 0 where there was none.
  public var newest: UInt64 { newestNumber.load(ordering: .acquiring) }

  /// The number of the oldest datagram that is there; one more than ``newest`` where none is.
  public var oldest: UInt64 { ring.withLock { $0.oldest } }

  /// Has datagrams of a batch recorded, all of them under one lock.
  ///
  /// - Parameter body: hands on a note for each, in the batch's order; nothing else that takes time.
  func write(_ body: (_ record: (DatagramNote) -> Void) -> Void) {
    ring.withLock { ring in
      body { note in ring.append(note, isOwn: isOwn(note.source)) }
      newestNumber.store(ring.newest, ordering: .releasing)
    }
  }
}

// MARK: - Datagrams that were handed over

extension DatagramLog {
  /// What became of a datagram, and what was done to it.
  typealias Outcome = (fate: DatagramFate, impairments: ImpairmentKinds)

  /// Records datagrams that one loop has read for another.
  func write(_ datagrams: [ArrivedDatagram], outcome: (_ index: Int) -> Outcome) {
    write { record in
      for (index, datagram) in datagrams.enumerated() {
        let (fate, impairments) = outcome(index)
        let destination = SocketAddress(datagram.destination ?? datagram.socket.ip, port: datagram.socket.port)
        datagram.bytes.withUnsafeBytes { bytes in
          record(
            DatagramNote(
              source: datagram.source, destination: destination, receivedAt: datagram.receivedAt ?? .now(),
              bytes: bytes, fate: fate, impairments: impairments))
        }
      }
    }
  }
}

// MARK: - Reading

extension DatagramLog {
  /// Fills an excerpt with the oldest datagrams that come after a number, as many as it has room for.
  ///
  /// - Returns: how many between are gone.
  public func read(after number: UInt64, into excerpt: inout DatagramExcerpt) -> UInt64 {
    excerpt.removeAll()
    return ring.withLock { ring in
      guard number < ring.newest else { return 0 }
      let first = max(number + 1, ring.oldest)
      ring.copy(first...min(ring.newest, first + UInt64(excerpt.capacity) - 1), to: &excerpt)
      return first - number - 1
    }
  }

  /// Fills an excerpt with the newest datagrams that come before a number, as many as it has room for.
  public func read(before number: UInt64, into excerpt: inout DatagramExcerpt) {
    excerpt.removeAll()
    ring.withLock { ring in
      let last = min(ring.newest, number &- 1)
      guard number > 0, last >= ring.oldest else { return }
      let room = UInt64(excerpt.capacity)
      ring.copy(max(ring.oldest, last < room ? 1 : last - room + 1)...last, to: &excerpt)
    }
  }
}

// MARK: - Identifiers

extension DatagramLog {
  /// What a datagram of this log is called by clients: no other of this process or one before has the same.
  public func identifier(of number: UInt64) -> String {
    epoch + "-" + String(number)
  }

  /// The number behind an identifier; nil where no datagram of this log is called so.
  public func number(of identifier: String) -> UInt64? {
    let parts = identifier.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0] == epoch, let number = UInt64(parts[1]), number <= newest,
      identifier == self.identifier(of: number)
    else { return nil }
    return number
  }
}
