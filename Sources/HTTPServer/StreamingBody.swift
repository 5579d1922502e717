import Basics
import Glibc

/// The bytes of an answer on their way from a writer that waits to libmicrohttpd, which does not. It belongs to its
/// worker's loop, and keeps nothing but what it is told.
///
/// `@unchecked Sendable`: it is touched on that loop's thread alone.
final class StreamingBody: @unchecked Sendable {
  /// How many bytes libmicrohttpd asks for at a time.
  static let block = 16 << 10

  /// How it ended.
  enum End {
    case complete
    /// What is missing will not come; the client is to see that.
    case failed
    /// The client has gone.
    case gone
  }

  unowned let worker: HTTPWorker
  unowned let connection: HTTPConnection
  /// How many bytes may be unread before the writer has to wait.
  private let limit: Int
  let produce: @Sendable (HTTPBodyWriter) async throws -> Void
  var task: Task<Void, Never>?
  var end: End?
  /// libmicrohttpd has let go of it.
  private(set) var isClosed = false
  private var bytes: [UInt8] = []
  private var offset = 0
  private var writer: UnsafeContinuation<Bool, Never>?

  init(
    _ produce: @escaping @Sendable (HTTPBodyWriter) async throws -> Void, limit: Int, worker: HTTPWorker,
    connection: HTTPConnection
  ) {
    self.limit = limit
    self.produce = produce
    self.worker = worker
    self.connection = connection
  }

  private var unread: Int { bytes.count - offset }

  /// Whether more may be added without waiting.
  var hasRoom: Bool { unread < limit }

  func append(_ new: [UInt8]) {
    // What has been read goes, also where the reader never quite catches up.
    if offset >= limit {
      bytes.removeFirst(offset)
      offset = 0
    }
    bytes.append(contentsOf: new)
  }

  /// Resumes `writer` with true when there is room, with false when nobody reads any more.
  func waitForRoom(_ writer: UnsafeContinuation<Bool, Never>) {
    precondition(self.writer == nil, "a body has one writer")
    if isClosed { writer.resume(returning: false) } else { self.writer = writer }
  }

  /// Moves up to `count` bytes to `room`; answers how many.
  func take(into room: UnsafeMutablePointer<CChar>, _ count: Int) -> Int {
    let taken = min(count, unread)
    bytes.withUnsafeBytes { source in
      if taken > 0 { memcpy(room, source.baseAddress! + offset, taken) }
    }
    offset += taken
    if unread == 0 {
      bytes.removeAll(keepingCapacity: true)
      offset = 0
    }
    if unread < limit / 2 { writer.take()?.resume(returning: true) }
    return taken
  }

  /// The answer is sent, or never will be.
  func close() {
    isClosed = true
    task?.cancel()
    writer.take()?.resume(returning: false)
  }
}
