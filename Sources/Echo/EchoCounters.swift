/// What the echo server did with what it got. `received` + `duplicated` = `echoed` + `held` + Σ `dropped`.
public struct EchoCounters: Sendable, Equatable {
  /// Datagrams read, refused ones included.
  public var received = 0
  /// Payload bytes read.
  public var bytesReceived = 0
  /// Replies made beyond one for a datagram.
  public var duplicated = 0
  /// Replies that wait for their time.
  public var held = 0
  /// Datagrams sent.
  public var echoed = 0
  /// Payload bytes sent.
  public var bytesEchoed = 0
  /// What was done to datagrams and replies on purpose, and how often.
  public var impaired: [ImpairmentKind: Int] = [:]
  /// Datagrams, and duplicates, that were not answered.
  public var dropped: [DropReason: Int] = [:]
  /// What the kernel dropped, unread, because the receive buffer was full; a burst that it had as one counts as one.
  public var receiveBufferFull = 0

  /// Nothing yet.
  public init() {}

  /// The sum of two servers' or loops' counters.
  public static func + (left: EchoCounters, right: EchoCounters) -> EchoCounters {
    var sum = left
    sum.received += right.received
    sum.bytesReceived += right.bytesReceived
    sum.duplicated += right.duplicated
    sum.held += right.held
    sum.echoed += right.echoed
    sum.bytesEchoed += right.bytesEchoed
    sum.impaired.merge(right.impaired, uniquingKeysWith: +)
    sum.dropped.merge(right.dropped, uniquingKeysWith: +)
    sum.receiveBufferFull += right.receiveBufferFull
    return sum
  }
}
