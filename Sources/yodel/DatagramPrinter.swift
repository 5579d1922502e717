import Basics
import Dispatch
import Glibc
import Sockets

/// Prints a line a datagram, `127.0.0.1:62810: hello`, without ever holding up the loop that received it: what a slow
/// reader leaves unread is bounded, and what is past that is counted and said.
final class DatagramPrinter: Sendable {
  private struct Waiting {
    var datagrams: [(source: SocketAddress, bytes: [UInt8])] = []
    /// Bytes of memory that they take, roughly.
    var size = 0
    var dropped = 0
    var isScheduled = false
  }

  private let waiting = Locked(Waiting())
  private let queue = DispatchQueue(label: "yodel.printer")

  /// What an echo server shows its datagrams. The loop copies; escaping, which takes milliseconds for the largest, is
  /// done elsewhere.
  var observer: @Sendable (SocketAddress, UnsafeRawBufferPointer) -> Void {
    { source, bytes in self.enqueue(source, bytes) }
  }

  private func enqueue(_ source: SocketAddress, _ bytes: UnsafeRawBufferPointer) {
    let mustSchedule = waiting.withLock { waiting in
      let size = bytes.count + MemoryLayout<SocketAddress>.size
      guard waiting.size + size <= Limits.unprintedLines else {
        waiting.dropped += 1
        return false
      }
      waiting.datagrams.append((source, Array(bytes)))
      waiting.size += size
      defer { waiting.isScheduled = true }
      return !waiting.isScheduled
    }
    if mustSchedule { queue.async { self.writeWaiting() } }
  }

  /// Returns when everything has been written, for the end of the program; or after a second, if nobody reads it.
  func flush() {
    let done = DispatchSemaphore(value: 0)
    queue.async {
      self.writeWaiting()
      done.signal()
    }
    _ = done.wait(timeout: .now() + 1)
  }

  private func writeWaiting() {
    let taken = waiting.withLock { waiting in
      defer { waiting = Waiting() }
      return waiting
    }
    let lines = taken.datagrams.map { "\($0.source): \(escapedLine($0.bytes))\n" }.joined()
    Console.write(Array(lines.utf8), to: STDOUT_FILENO)
    if taken.dropped > 0 {
      Console.complain("\(taken.dropped) datagrams were not printed: standard output is too slow")
    }
  }
}
