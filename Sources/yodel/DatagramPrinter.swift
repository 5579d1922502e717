import Basics
import Dispatch
import Glibc
import Sockets

/// Prints a line a datagram, `127.0.0.1:62810: hello`, without ever holding up the loop that received it: what a slow
/// reader leaves unread is bounded, and what is past that is counted and said, once a second.
final class DatagramPrinter: Sendable {
  private struct Waiting {
    var datagrams: [(source: SocketAddress, bytes: [UInt8])] = []
    /// Bytes of memory that they take, roughly.
    var size = 0
    var isScheduled = false
    /// Datagrams that were not printed, and were not told of yet: that is done a second after the first of them.
    var dropped = 0
  }

  private let waiting = Locked(Waiting())
  private let queue = DispatchQueue(label: "yodel.printer")
  /// Another one: the first may wait for its reader without end.
  private let complaints = DispatchQueue(label: "yodel.printer.drops")
  private let complain: @Sendable (String) -> Void

  /// - Parameter complain: is told how many were not printed.
  init(complain: @escaping @Sendable (String) -> Void = { Console.complain($0) }) {
    self.complain = complain
  }

  /// What an echo server shows its datagrams. The loop copies; escaping, which takes milliseconds for the largest, is
  /// done elsewhere.
  var observer: @Sendable (SocketAddress, UnsafeRawBufferPointer) -> Void {
    { source, bytes in self.enqueue(source, bytes) }
  }

  private func enqueue(_ source: SocketAddress, _ bytes: UnsafeRawBufferPointer) {
    enum Step { case none, write, tell }
    let step = waiting.withLock { waiting -> Step in
      let size = bytes.count + MemoryLayout<SocketAddress>.size
      guard waiting.size + size <= Limits.unprintedLines else {
        waiting.dropped += 1
        return waiting.dropped == 1 ? .tell : .none
      }
      waiting.datagrams.append((source, Array(bytes)))
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
    let datagrams = waiting.withLock { waiting in
      defer { (waiting.datagrams, waiting.size, waiting.isScheduled) = ([], 0, false) }
      return waiting.datagrams
    }
    let lines = datagrams.map { "\($0.source): \(escapedLine($0.bytes))\n" }.joined()
    Console.write(Array(lines.utf8), to: STDOUT_FILENO)
  }

  private func tellDropped() {
    let dropped = waiting.withLock { waiting in
      defer { waiting.dropped = 0 }
      return waiting.dropped
    }
    if dropped > 0 { complain("\(dropped) datagrams were not printed: standard output is too slow") }
  }
}
