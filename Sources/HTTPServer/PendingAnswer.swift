/// How a request's answer is found.
public enum HTTPProgress {
  /// It is there.
  case answered(HTTPResponse)
  /// By work that is under way, and gives it to the request's ``PendingAnswer``.
  case pending(any HTTPWork)
  /// By a task: ``HTTPApplication/respond(to:)`` is asked.
  case needsTask
}

/// What finds an answer. It runs on its connection's loop.
public protocol HTTPWork {
  /// The client has gone: the answer is of no use any more.
  func cancel()
}

extension Task: HTTPWork where Success == Void, Failure == Never {}

/// The place of an answer that is being found. It belongs to its connection's loop.
public struct PendingAnswer: Sendable {
  let connection: HTTPConnection
  /// Which of the connection's requests is to be answered.
  let request: Int

  /// Gives the answer, once. Where the client has gone, it is nobody's.
  public func give(_ response: consuming HTTPResponse) {
    connection.worker.loop.assertCurrent()
    guard connection.requests == request else { return }
    connection.phase = .answered(response)
    connection.worker.resume(connection)
  }
}
