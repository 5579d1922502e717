/// Writes the body of an answer that comes with time, for ``HTTPResponse/Body/stream(_:)``.
///
/// `@unchecked Sendable`: the body is opened on its worker's loop alone, by ``HTTPWorker/write(_:through:)``.
public struct HTTPBodyWriter: @unchecked Sendable {
  let worker: HTTPWorker
  let body: StreamingBody

  /// The client has gone.
  public struct Closed: Error {}

  /// Sends bytes to the client; waits while more than ``Limits/streamBuffer`` of them are unread, or
  /// ``Limits/endlessStreamBuffer`` of an answer without an end.
  ///
  /// - Throws: ``Closed`` when the client has gone.
  public func write(_ bytes: [UInt8]) async throws(Closed) {
    guard await worker.write(bytes, through: self) else { throw Closed() }
  }

  /// The client will send nothing more. It may have gone altogether, which writing to it would tell. On the loop.
  public var clientHasEnded: Bool {
    worker.loop.assertCurrent()
    return !body.isClosed && body.connection.hasEnded
  }
}
