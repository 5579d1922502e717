/// What answers the requests of one loop. Its functions run on that loop.
public protocol HTTPApplication: Sendable {
  /// Looks at a request before its body is read.
  func admit(_ head: HTTPRequestHead) -> HTTPAdmission

  /// Begins to answer a request, without a task where it needs none: a task costs half as much as all else that is done
  /// for a relayed message.
  func begin(_ request: HTTPRequest, _ answer: PendingAnswer) -> HTTPProgress

  /// Answers a request in a task, which is cancelled when the client goes away.
  func respond(to request: HTTPRequest) async -> HTTPResponse

  /// Puts into words what the server refuses by itself.
  func refuse(_ refusal: HTTPRefusal) -> HTTPResponse
}

extension HTTPApplication {
  /// Every request has a task.
  public func begin(_ request: HTTPRequest, _ answer: PendingAnswer) -> HTTPProgress { .needsTask }
}

/// What becomes of a request, by its head.
public enum HTTPAdmission: Sendable {
  /// Its body is read, and the application asked for an answer; the number is handed back in
  /// ``HTTPRequest/destination``.
  case admitted(to: Int)
  /// It is answered already, whatever its body says.
  case answered(HTTPResponse)
}

/// Why the server refuses a request without asking what it wants.
public enum HTTPRefusal: Hashable, Sendable {
  /// Its framing or its target could be read in two ways; the connection ends with it.
  case malformed(String)
  /// A transfer coding other than `chunked`; the connection ends with it.
  case transferCoding(String)
  /// A method that would make something else of the connection (RFC 9110 sections 9.3.6 and 9.3.8); it ends with it.
  case method(String)
  /// The head is larger than a connection's memory.
  case headTooLarge(limit: Int)
  /// The body is larger than ``Limits/requestBody``.
  case bodyTooLarge(limit: Int)
  /// All bodies being read are together larger than ``Limits/bufferedBodies``.
  case bodiesTooLarge(limit: Int)
  /// More connections than are served; this one ends.
  case tooManyConnections(limit: Int)
  /// More connections of one client than it may have; this one ends.
  case tooManyConnectionsOfClient(limit: Int)
  /// The server ends, and so does this connection.
  case draining
}
