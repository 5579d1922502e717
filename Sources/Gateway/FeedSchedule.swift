import Basics

/// Which feeds of a loop are told something, and how much, at each interval: a value without a clock.
///
/// Feeds that have something to be told go by turns, so that however many there are and however fast datagrams come,
/// the loop spends no more than a bounded share of its time on them.
struct FeedSchedule {
  /// What a feed that waits is called for.
  enum Call: Hashable {
    /// There is something new; at most some `bytes` of it are for this feed now.
    case events(bytes: Int)
    /// It has been silent for so long that it must say something.
    case keepAlive
  }

  private struct Waiting {
    let feed: Int
    /// The number of the last datagram that it knows.
    let cursor: UInt64
    var keepAliveAt: MonotonicTime
  }

  /// The longest waiting first.
  private var waiting: [Waiting] = []

  /// Nobody waits.
  var isEmpty: Bool { waiting.isEmpty }

  /// A feed has told all that it was called for.
  mutating func wait(_ feed: Int, cursor: UInt64, keepAliveAt: MonotonicTime) {
    waiting.append(Waiting(feed: feed, cursor: cursor, keepAliveAt: keepAliveAt))
  }

  /// A feed waits no more.
  mutating func remove(_ feed: Int) {
    waiting.removeAll { $0.feed == feed }
  }

  /// A feed that waits is to say something soon.
  mutating func hasten(_ feed: Int, to time: MonotonicTime) {
    if let index = waiting.firstIndex(where: { $0.feed == feed }) { waiting[index].keepAliveAt = time }
  }

  /// Takes out the feeds that are to be called now.
  ///
  /// - Parameter newest: the number of the newest datagram.
  mutating func take(newest: UInt64, at now: MonotonicTime) -> [(feed: Int, call: Call)] {
    let behind = waiting.lazy.filter { $0.cursor < newest }.prefix(Limits.feedsPerInterval).map(\.feed)
    let told = Set(behind)
    let bytes = Limits.feedBytesPerInterval / max(1, told.count)
    var called: [(feed: Int, call: Call)] = []
    for entry in waiting {
      if told.contains(entry.feed) {
        called.append((entry.feed, .events(bytes: bytes)))
      } else if entry.keepAliveAt <= now, entry.cursor >= newest {
        called.append((entry.feed, .keepAlive))
      }
    }
    if !called.isEmpty {
      let gone = Set(called.map(\.feed))
      waiting.removeAll { gone.contains($0.feed) }
    }
    return called
  }
}
