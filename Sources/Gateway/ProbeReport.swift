import Basics
import Relay

/// What became of a probe, in the words of blackbox_exporter where it has them.
struct ProbeReport: Equatable {
  let outcome: ExchangeOutcome
  let isSuccess: Bool
  /// nil where no reply came.
  let roundTrip: Nanoseconds?
  /// From the request to its answer.
  let duration: Nanoseconds

  /// How a probe can end. What the gateway itself has not enough of is no word on the target, and a problem.
  static let outcomes: [ExchangeOutcome] =
    [.reply] + [.noReply, .portUnreachable, .targetUnreachable].map { .problem($0) }

  /// The report in Prometheus's text format.
  var text: [UInt8] {
    var writer = MetricsWriter()
    writer.single("probe_success", .gauge, "1 where the reply came that was expected.", isSuccess ? 1 : 0)
    writer.single("probe_duration_seconds", .gauge, "How long the probe took in all.", duration.seconds)
    if let roundTrip {
      writer.single(
        "probe_udp_rtt_seconds", .gauge, "From just before the send to the reply's arrival.", roundTrip.seconds)
    }
    writer.family("probe_udp_outcome", .gauge, "1 for how it ended; a reply without success is not the expected one.")
    for outcome in Self.outcomes {
      writer.sample("probe_udp_outcome", ["outcome": outcome.label], outcome == self.outcome ? 1 : 0)
    }
    return writer.bytes
  }
}
