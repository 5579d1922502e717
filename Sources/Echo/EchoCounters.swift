/// What the echo server did with what it got. `received` = `echoed` + Σ `dropped`.
public struct EchoCounters: Sendable, Equatable {
  /// Datagrams read, refused ones included.
  public var received = 0
  /// Payload bytes read.
  public var bytesReceived = 0
  /// Datagrams sent.
  public var echoed = 0
  /// Payload bytes sent.
  public var bytesEchoed = 0
  /// Datagrams read and not answered.
  public var dropped: [DropReason: Int] = [:]
  /// Datagrams the kernel dropped because the server's receive buffer was full; they were never read.
  public var receiveBufferFull = 0

  /// Nothing yet.
  public init() {}

  /// The sum of two servers' or loops' counters.
  public static func + (left: EchoCounters, right: EchoCounters) -> EchoCounters {
    var sum = left
    sum.received += right.received
    sum.bytesReceived += right.bytesReceived
    sum.echoed += right.echoed
    sum.bytesEchoed += right.bytesEchoed
    sum.dropped.merge(right.dropped, uniquingKeysWith: +)
    sum.receiveBufferFull += right.receiveBufferFull
    return sum
  }
}
