/// The connections whose request line is read and whose head is not whole.
///
/// Mostly that is one for a moment, since heads come whole: noting one costs a comparison, and what has ended since is
/// forgotten when the list has doubled.
struct UnfinishedHeads {
  private var latest: HTTPConnection?
  private var earlier: [HTTPConnection] = []
  private var bound = Self.leastBound
  private static let leastBound = 64

  /// How many are kept, those included that have ended since.
  var count: Int { earlier.count + (latest == nil ? 0 : 1) }

  /// A request line is read.
  mutating func begin(_ connection: HTTPConnection) {
    if let latest, latest.isReadingHead, latest !== connection {
      if earlier.count == bound {
        forgetEnded()
        bound = max(Self.leastBound, 2 * earlier.count)
      }
      earlier.append(latest)
    }
    latest = connection
  }

  /// Those that are unfinished now.
  mutating func all() -> [HTTPConnection] {
    forgetEnded()
    guard let latest, latest.isReadingHead else { return earlier }
    return earlier + [latest]
  }

  private mutating func forgetEnded() {
    earlier.removeAll { !$0.isReadingHead }
  }
}

extension HTTPConnection {
  fileprivate var isReadingHead: Bool {
    if case .target = phase { !isClosed } else { false }
  }
}
