import Basics
import HeapModule

/// What waits to leave: first for its delay, then for its turn on a link of a certain rate. A pure value; the time is
/// passed in.
///
/// Things leave in the order of their due times, and those of one time in the order in which they came. Where
/// tc-netem(8) reckons with the rate when a packet comes in, behind the last one in its queue, here the link is a stage
/// of its own behind the delay: it serves in the order in which delays end, so jitter still reorders, and what was
/// reordered pays the rate too.
struct HoldQueue<Element> {
  /// What became of something whose time had come.
  enum Departure {
    /// It leaves now.
    case leaves(Element)
    /// The link has more to send than it could in ``Limits/longestLinkWait``.
    case refused(Element)
  }

  private struct Waiting: Comparable {
    var due: MonotonicTime
    /// Which of two that are due at once goes first.
    var sequence: UInt64 = 0
    /// What the link takes; nil where it is not needed, or has been passed.
    var transmission: Nanoseconds?
    var bytes: Int
    var element: Element

    static func < (left: Waiting, right: Waiting) -> Bool {
      left.due == right.due ? left.sequence < right.sequence : left.due < right.due
    }

    static func == (left: Waiting, right: Waiting) -> Bool {
      left.sequence == right.sequence
    }
  }

  private let capacity: Int
  private let byteCapacity: Int
  private var heap = Heap<Waiting>()
  private var sequence: UInt64 = 0
  private var linkFreeAt: MonotonicTime?
  /// The payload bytes of all that waits.
  private(set) var bytes = 0

  /// An empty queue.
  init(capacity: Int = Limits.heldDatagrams, byteCapacity: Int = Limits.heldBytes) {
    self.capacity = capacity
    self.byteCapacity = byteCapacity
  }

  /// How many wait.
  var count: Int { heap.count }

  /// When there is something to do next; nil where nothing waits.
  var nextDue: MonotonicTime? { heap.min?.due }

  /// Takes something in; false where there is no room.
  ///
  /// - Parameters:
  ///   - due: when its delay is over.
  ///   - transmission: what the link takes for it; nil where nothing bounds the rate.
  mutating func insert(_ element: Element, bytes: Int, due: MonotonicTime, transmission: Nanoseconds?) -> Bool {
    guard count < capacity, self.bytes + bytes <= byteCapacity else { return false }
    push(Waiting(due: due, transmission: transmission, bytes: bytes, element: element))
    return true
  }

  /// The next that leaves by `now`; nil where none does.
  mutating func next(by now: MonotonicTime) -> Departure? {
    while let first = heap.min, first.due <= now {
      var waiting = heap.removeMin()
      bytes -= waiting.bytes
      // A queue that was long gives its memory back.
      if heap.isEmpty { heap = Heap() }
      guard let transmission = waiting.transmission else { return .leaves(waiting.element) }
      // By its own time, not by the clock's: that the timer was late takes nothing from the rate.
      let start = max(waiting.due, linkFreeAt ?? waiting.due)
      guard start - waiting.due <= Limits.longestLinkWait else { return .refused(waiting.element) }
      linkFreeAt = start + transmission
      waiting.due = start + transmission
      waiting.transmission = nil
      push(waiting)
    }
    return nil
  }

  /// A link of another rate begins idle; what waits for the old one leaves as was decided.
  mutating func renewLink() {
    linkFreeAt = nil
  }

  /// Forgets everything; answers how many that were.
  mutating func removeAll() -> Int {
    defer {
      heap = Heap()
      bytes = 0
      linkFreeAt = nil
    }
    return count
  }

  private mutating func push(_ waiting: Waiting) {
    var waiting = waiting
    waiting.sequence = sequence
    sequence += 1
    bytes += waiting.bytes
    heap.insert(waiting)
  }
}
