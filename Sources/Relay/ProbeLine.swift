public import Basics
public import Sockets

/// What became of one datagram of a series, as soon as it is known.
public struct ProbeLine: Hashable, Sendable {
  /// What became of it.
  public enum Fate: String, CaseIterable, Sendable {
    /// It came back as it was sent, in time.
    case reply
    /// It came back after its deadline.
    case late
    /// It came back in time, and differs from what was sent.
    case corrupted
    /// Nothing came back by its deadline.
    case lost
    /// ICMP said that it did not get there, or the kernel refused to send it.
    case unreachable
    /// It had come back before.
    case duplicate
  }

  /// The datagram's number, from 1.
  public var number: UInt64
  /// What became of it.
  public var fate: Fate
  /// From just before the send to the arrival; nil where nothing came back.
  public var roundTrip: Nanoseconds?
  /// The length of what came back, in bytes.
  public var bytes: Int?
  /// Why it is ``Fate/unreachable``.
  public var error: ReportedError?

  /// A line.
  package init(
    _ number: UInt64, _ fate: Fate, roundTrip: Nanoseconds? = nil, bytes: Int? = nil, error: ReportedError? = nil
  ) {
    self.number = number
    self.fate = fate
    self.roundTrip = roundTrip
    self.bytes = bytes
    self.error = error
  }
}
