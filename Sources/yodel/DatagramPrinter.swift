import Basics
import Dispatch
import Glibc
import Sockets

/// Prints a line a datagram, `127.0.0.1:62810: hello`, without ever holding up the loop that received it: what a slow
/// reader leaves unread is bounded, and what is past that is counted and said.
final class DatagramPrinter: Sendable {
  private struct Waiting {
    var lines: [UInt8] = []
    var dropped = 0
    var isScheduled = false
  }

  private let waiting = Locked(Waiting())
  private let queue = DispatchQueue(label: "yodel.printer")

  /// What an echo server shows its datagrams.
  var observer: @Sendable (SocketAddress, UnsafeRawBufferPointer) -> Void {
    { source, bytes in self.print("\(source): \(escapedLine(bytes))\n") }
  }

  private func print(_ line: String) {
    let mustSchedule = waiting.withLock { waiting in
      guard waiting.lines.count + line.utf8.count <= Limits.unprintedLines else {
        waiting.dropped += 1
        return false
      }
      waiting.lines.append(contentsOf: line.utf8)
      defer { waiting.isScheduled = true }
      return !waiting.isScheduled
    }
    if mustSchedule { queue.async { self.writeWaiting() } }
  }

  /// Returns when everything has been written, for the end of the program.
  func flush() {
    queue.sync { writeWaiting() }
  }

  private func writeWaiting() {
    let taken = waiting.withLock { waiting in
      defer { waiting = Waiting() }
      return waiting
    }
    Console.write(taken.lines, to: STDOUT_FILENO)
    if taken.dropped > 0 {
      Console.complain("\(taken.dropped) datagrams were not printed: standard output is too slow")
    }
  }
}
