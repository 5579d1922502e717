import Basics
import Glibc

/// Standard output for results, standard error for diagnostics; a line is out when the call returns.
enum Console {
  /// A result.
  static func write(_ text: String) {
    write(Array(text.utf8), to: STDOUT_FILENO)
  }

  /// A diagnostic, as one line whatever is in it: it may quote an argument, a file's name or what a server said.
  static func complain(_ line: String) {
    writeDiagnostic(Array("yodel: \(escapedLine(line))\n".utf8))
  }

  /// A diagnostic as it is.
  static func writeDiagnostic(_ bytes: [UInt8]) {
    write(bytes, to: STDERR_FILENO)
  }

  /// All of the bytes, unless whoever reads them has gone: that is then no business of ours. A descriptor that another
  /// program has set not to block (they share it) is waited for as one that blocks.
  static func write(_ bytes: [UInt8], to descriptor: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if written < 0 && (errno == EINTR || errno == EAGAIN && waitForRoom(descriptor)) { continue }
      if written <= 0 { return }
      rest = rest.dropFirst(written)
    }
  }

  private static func waitForRoom(_ descriptor: Int32) -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    return poll(&entry, 1, -1) >= 0 || errno == EINTR
  }
}

/// The lines of standard input, as bytes.
final class LineReader {
  private let stream = fdopen(STDIN_FILENO, "r")
  private var buffer: UnsafeMutablePointer<CChar>?
  private var capacity = 0

  deinit {
    free(buffer)
  }

  /// The next line without its end, whatever its length (getline(3)); nil at the end of input.
  func next() -> [UInt8]? {
    guard let stream else { return nil }
    let length = getline(&buffer, &capacity, stream)
    guard length >= 0, let buffer else { return nil }
    let line = [UInt8](UnsafeRawBufferPointer(start: buffer, count: length))
    return line.last == UInt8(ascii: "\n") ? line.dropLast() : line
  }
}
