import Foundation
import TestSupport
import Testing

@testable import yodel

struct ConsoleTests {
  /// Whoever shares the descriptor may have set it so: a shell's earlier program, or the reader itself.
  @Test func whatIsWrittenIsWholeThoughTheDescriptorDoesNotBlock() async throws {
    let pipe = Pipe()
    let writing = pipe.fileHandleForWriting.fileDescriptor
    try #require(fcntl(writing, F_SETFL, O_NONBLOCK) == 0)
    let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
    Thread.detachNewThread {
      Console.write(bytes, to: writing)
      try? pipe.fileHandleForWriting.close()
    }
    #expect(
      await eventually {
        var entry = pollfd(fd: writing, events: Int16(POLLOUT), revents: 0)
        return poll(&entry, 1, 0) == 0
      }, "there is no more room")
    #expect(try pipe.fileHandleForReading.readToEnd().map { [UInt8]($0) } == bytes)
  }
}
