public import Basics

/// How long each part of a request may take: a client that is slow to the end has its connection closed.
public struct HTTPDeadlines: Sendable {
  /// From a connection's start to its first complete head.
  public var head = Limits.headDeadline
  /// From a complete head to the complete body.
  public var body = Limits.bodyDeadline
  /// From an answer that is there to its last byte being sent; streamed answers take as long as they take.
  public var answer = Limits.answerDeadline
  /// From an answer to the next complete head on a kept-alive connection.
  public var nextHead = Limits.keepAliveDeadline

  /// Those of ``Limits``.
  public init() {}
}
