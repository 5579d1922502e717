/// So many a second for each of any number of keys, in memory that is made once: a pure value, the time is passed in.
///
/// Each key has a bucket that holds one second's tokens and fills evenly (the generic cell rate algorithm, ITU-T
/// I.371: a bucket is one number, the time at which it will be full). A full bucket says nothing that an absent one
/// does not, so its place is free; a key that is slow enough never needs one for long.
///
/// A key's place is in a set of ``ways``, chosen by SipHash under a key of this process's own, so nobody outside can
/// tell which keys meet. Where a set is full of buckets that are not, a new key takes over the fullest one with what it
/// lacks (as the Space-Saving algorithm does with counts), or is refused with the rest. Hence no key ever gets more
/// than its rate, whatever the others do, and all keys of a set together get no more than ``ways`` times the rate. What
/// a flood of forged keys can reach is that a new key in a full set starts with another's debt.
public struct RateLimiter: Sendable {
  /// Buckets in a set: 64 bytes, a line of the processor's cache.
  public static let ways = 4

  /// How much one token takes to come; rounded up, so that the rate is never exceeded.
  private let interval: Int64
  /// What a whole bucket takes.
  private let depth: Int64
  private var buckets: [Bucket]
  /// The number of sets less one; it is a power of two.
  private let mask: Int

  private struct Bucket {
    var key: UInt64 = 0
    /// When it will be full, as ``MonotonicTime`` counts; what has passed is full.
    var fullAt = Int64.min
  }

  /// A limiter that has seen nothing.
  ///
  /// - Parameters:
  ///   - rate: tokens a second, and how many a bucket holds; from 1 to 10⁹.
  ///   - sets: a power of two.
  public init(rate: Int, sets: Int = Limits.rateLimiterSets) {
    precondition((1...1_000_000_000).contains(rate) && sets > 0 && sets & (sets - 1) == 0)
    interval = (1_000_000_000 + Int64(rate) - 1) / Int64(rate)
    depth = interval * Int64(rate)
    buckets = Array(repeating: Bucket(), count: sets * Self.ways)
    mask = sets - 1
  }

  /// Takes a token from a key's bucket.
  ///
  /// - Returns: nil where there was one; else how long until there is.
  public mutating func take(from key: UInt64, at now: MonotonicTime) -> Nanoseconds? {
    let index = place(of: key)
    let fullAt = max(buckets[index].fullAt, now.nanoseconds) + interval
    let wait = fullAt - now.nanoseconds - depth
    if wait > 0 { return Nanoseconds(wait) }
    buckets[index] = Bucket(key: key, fullAt: fullAt)
    return nil
  }

  /// Where the key's bucket is, or else the fullest of its set.
  private func place(of key: UInt64) -> Int {
    var hasher = Hasher()
    hasher.combine(key)
    let first = (hasher.finalize() & mask) * Self.ways
    var fullest = first
    for index in first..<first + Self.ways {
      if buckets[index].key == key { return index }
      if buckets[index].fullAt < buckets[fullest].fullAt { fullest = index }
    }
    return fullest
  }
}
