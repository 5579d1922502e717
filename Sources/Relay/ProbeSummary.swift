/// What became of a series.
///
/// Each datagram that was sent is in exactly one of ``received``, ``late``, ``corrupted``, ``lost`` and
/// ``unreachable``, or still ``undecided``.
public struct ProbeSummary: Equatable, Sendable {
  /// All datagrams that were to be sent were, and each had its time.
  public var isComplete = false
  /// Datagrams that came back as they were sent, in time.
  public var received = 0
  /// Datagrams that came back after their deadline.
  public var late = 0
  /// Datagrams that came back in time and differ from what was sent.
  public var corrupted = 0
  /// Datagrams of which nothing came back.
  public var lost = 0
  /// Datagrams that, by ICMP's or the kernel's word, did not get there.
  public var unreachable = 0
  /// Datagrams that were sent and had neither come back nor met their deadline when the series was ended.
  public var undecided = 0

  /// Copies after the first.
  public var duplicates = 0
  /// First copies with a number below the highest that had come back.
  public var reordered = 0
  /// Datagrams that belong to none that is remembered, mostly since no number can be read from them.
  public var unmatched = 0
  /// Datagrams that our own receive buffer had no room for.
  public var droppedHere = 0

  /// Of the datagrams that were received.
  public var roundTrips = RoundTrips()

  /// Of a series that has yet to begin.
  package init() {}

  /// Datagrams whose fate is known: the sum of the five.
  public var sent: Int { received + late + corrupted + lost + unreachable }

  /// By fate: the five, and copies, which are outside their sum.
  public var fates: [(fate: ProbeLine.Fate, count: Int)] {
    [
      (.reply, received), (.late, late), (.corrupted, corrupted), (.lost, lost), (.unreachable, unreachable),
      (.duplicate, duplicates),
    ]
  }

  /// Each datagram came back once, in time, and nothing else came.
  var isClean: Bool { isComplete && received == sent && duplicates == 0 && unmatched == 0 && droppedHere == 0 }

  /// Datagrams of which something came back.
  public var returned: Int { received + late + corrupted }

  /// The share of ``sent`` that is ``lost`` or ``unreachable``, in thousandths of a percent; nil where there is none.
  public var lossMillipercent: Int64? {
    sent == 0 ? nil : Int64((Double(lost + unreachable) * 100_000 / Double(sent)).rounded())
  }
}
