import Basics
import Glibc
import Sockets

/// Prints a line a datagram, `127.0.0.1:62810: hello`.
struct DatagramPrinter: Sendable {
  private let writer: LineWriter<(source: SocketAddress, bytes: [UInt8])>

  /// - Parameter complain: is told how many were not printed.
  init(complain: @escaping @Sendable (String) -> Void = { Console.complain($0) }) {
    let complaint = LineWriter<(source: SocketAddress, bytes: [UInt8])>.Complaint.elsewhere {
      complain("\($0) datagrams were not printed: standard output is too slow")
    }
    writer = LineWriter(to: STDOUT_FILENO, complaint: complaint) {
      Array("\($0.source): \(escapedLine($0.bytes))\n".utf8)
    }
  }

  /// What an echo server shows its datagrams. The loop copies; escaping, which takes milliseconds for the largest, is
  /// done elsewhere.
  var observer: @Sendable (SocketAddress, UnsafeRawBufferPointer) -> Void {
    { [writer] source, bytes in
      writer.write((source, Array(bytes)), size: bytes.count + MemoryLayout<SocketAddress>.size)
    }
  }

  /// Returns when everything has been printed, or nobody reads it.
  func flush() {
    writer.flush()
  }
}
