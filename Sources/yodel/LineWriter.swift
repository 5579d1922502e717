import Basics
import Dispatch

/// Writes lines on a thread of its own, so that a slow reader never holds up whoever has something to say, an event
/// loop first of all: what it leaves unread is bounded by ``Limits/unprintedLines``, and what is past that is counted
/// and told.
final class LineWriter<Item: Sendable>: Sendable {
  /// How it is told that items were not written.
  enum Complaint: Sendable {
    /// By someone else, a second after the first of them.
    case elsewhere(@Sendable (Int) -> Void)
    /// By a line among the others, as soon as those are taken again.
    case among(@Sendable (Int) -> [UInt8])
  }

  private struct Waiting {
    var items: [Item] = []
    /// Bytes of memory that they take, roughly.
    var size = 0
    var isScheduled = false
    /// Items that were not written, and were not told of yet.
    var dropped = 0
  }

  private enum Step { case none, write, tell }

  private let descriptor: Int32
  private let line: @Sendable (Item) -> [UInt8]
  private let complaint: Complaint
  private let waiting = Locked(Waiting())
  private let queue = DispatchQueue(label: "yodel.lines")
  /// Another one: the first may wait for its reader without end.
  private let complaints = DispatchQueue(label: "yodel.lines.dropped")

  /// - Parameter line: makes an item's line, its end included; on the writer's thread.
  init(to descriptor: Int32, complaint: Complaint, line: @escaping @Sendable (Item) -> [UInt8]) {
    self.descriptor = descriptor
    self.complaint = complaint
    self.line = line
  }

  /// Has an item written that takes some `size` bytes of memory, or counts it.
  func write(_ item: Item, size: Int) {
    let step = waiting.withLock { waiting -> Step in
      guard waiting.size + size <= Limits.unprintedLines else {
        waiting.dropped += 1
        return waiting.dropped == 1 ? .tell : .none
      }
      waiting.items.append(item)
      waiting.size += size
      defer { waiting.isScheduled = true }
      return waiting.isScheduled ? .none : .write
    }
    switch step {
    case .none: break
    case .write: queue.async { self.writeWaiting() }
    case .tell: complaints.asyncAfter(deadline: .now() + 1) { self.tellDropped() }
    }
  }

  /// Returns when everything has been written, for the end of the program; or after a second, if nobody reads it.
  func flush() {
    let done = DispatchSemaphore(value: 0)
    queue.async {
      self.writeWaiting()
      done.signal()
    }
    _ = done.wait(timeout: .now() + 1)
    tellDropped()
  }

  private func writeWaiting() {
    let items = waiting.withLock { waiting in
      defer { (waiting.items, waiting.size, waiting.isScheduled) = ([], 0, false) }
      return waiting.items
    }
    for item in items { Console.write(line(item), to: descriptor) }
    if case .among(let line) = complaint, let dropped = takeDropped() { Console.write(line(dropped), to: descriptor) }
  }

  private func tellDropped() {
    if case .elsewhere(let complain) = complaint, let dropped = takeDropped() { complain(dropped) }
  }

  private func takeDropped() -> Int? {
    let dropped = waiting.withLock { waiting in
      defer { waiting.dropped = 0 }
      return waiting.dropped
    }
    return dropped > 0 ? dropped : nil
  }
}
