import Basics
import Echo
import HTTPServer
import Relay

extension GatewayLoop {
  /// `GET /metrics`: what all loops count.
  func metricsText() async -> HTTPResponse {
    var writer = MetricsWriter()
    let counts = LoopMetrics.sum(core.metrics)
    writeExchanges(counts, to: &writer)
    writeSeries(counts, to: &writer)
    await writeRelays(to: &writer)
    if let echo = core.echo {
      Self.write(await echo.counters, to: &writer)
      let isActive = await echo.impairments.isActive
      writer.single("yodel_impairments_active", .gauge, "1 while any impairment is on.", isActive ? 1 : 0)
      writeFeeds(to: &writer)
    }
    writeHTTP(counts, to: &writer)
    writer.single("yodel_ready", .gauge, "1 while /readyz answers 200, 0 while shutting down.", core.isDraining ? 0 : 1)
    writer.family("yodel_build_info", .gauge, "Always 1; the label tells the version.")
    writer.sample("yodel_build_info", ["version": version], 1)
    ProcessMetrics().write(startedAt: core.startedAtWallTime, to: &writer)
    return .api(type: MetricsWriter.mediaType, writer.bytes)
  }

  private func writeExchanges(_ counts: LoopMetrics.Counts, to writer: inout MetricsWriter) {
    // With their zeros: of a series that begins with its first failure, rate() and increase() do not see that failure.
    let targets = core.targets.counted
    writer.family("yodel_exchanges_total", .counter, "Messages that ended, by target and how they ended.")
    for (index, label) in targets {
      for outcome in ExchangeOutcome.allCases {
        let count = counts.exchanges[.init(target: index, outcome: outcome)]
        writer.sample("yodel_exchanges_total", ["target": label, "outcome": outcome.label], count)
      }
    }
    let name = "yodel_exchange_rtt_seconds"
    writer.family(name, .histogram, "Round-trip times of messages that had a reply.")
    for (index, label) in targets {
      Self.write(counts.roundTrips(of: index), name, target: label, to: &writer)
    }
    // The budget counts a series as an exchange.
    let inFlight = max(0, core.budget.inFlight - core.series.running)
    writer.single("yodel_exchanges_in_flight", .gauge, "Messages that wait for their reply.", inFlight)
    writer.single(
      "yodel_exchanges_limit", .gauge, "How many of them there may be (--max-in-flight).", core.budget.limit)
  }

  private func writeSeries(_ counts: LoopMetrics.Counts, to writer: inout MetricsWriter) {
    writer.single(
      "yodel_series", .gauge, "Series that run, or whose lines were not all read yet.", core.series.count)
    writer.family("yodel_probes_total", .counter, "Datagrams of series that are over, by target and fate.")
    for (index, label) in core.targets.counted {
      for fate in ProbeLine.Fate.allCases {
        let count = counts.probes[.init(target: index, fate: fate)] ?? 0
        writer.sample("yodel_probes_total", ["target": label, "fate": fate.rawValue], count)
      }
    }
  }

  private static func write(_ histogram: Histogram, _ name: String, target: String, to writer: inout MetricsWriter) {
    var cumulative = 0
    for (bound, count) in zip(Histogram.bounds.map(\.label) + ["+Inf"], histogram.counts) {
      cumulative += count
      writer.sample(name + "_bucket", ["target": target, "le": bound], cumulative)
    }
    writer.sample(name + "_sum", ["target": target], Double(histogram.sum) / 1e9)
    writer.sample(name + "_count", ["target": target], cumulative)
  }

  private func writeRelays(to writer: inout MetricsWriter) async {
    var late = 0
    var resting = 0
    for prober in core.probers { late += await prober.lateReplies }
    for relay in core.relays {
      late += await relay.lateReplies
      resting += await relay.restingSockets
    }
    writer.single("yodel_late_replies_total", .counter, "Datagrams that came when nobody waited for them.", late)
    writer.family("yodel_relay_sockets", .gauge, "Sockets held for messages to come and replies that may come late.")
    writer.sample("yodel_relay_sockets", ["state": "resting"], resting)
    writer.sample("yodel_relay_sockets", ["state": "retired"], core.budget.retiredSockets)
  }

  private static func write(_ counters: EchoCounters, to writer: inout MetricsWriter) {
    writer.family("yodel_echo_datagrams_total", .counter, "Datagrams that the echo server received and sent.")
    writer.sample("yodel_echo_datagrams_total", ["direction": "received"], counters.received)
    writer.sample("yodel_echo_datagrams_total", ["direction": "sent"], counters.echoed)
    writer.family("yodel_echo_bytes_total", .counter, "Payload bytes that the echo server received and sent.")
    writer.sample("yodel_echo_bytes_total", ["direction": "received"], counters.bytesReceived)
    writer.sample("yodel_echo_bytes_total", ["direction": "sent"], counters.bytesEchoed)
    writer.family(
      "yodel_echo_dropped_total", .counter, "Datagrams and duplicates that the echo server did not answer, and why.")
    for reason in DropReason.allCases {
      writer.sample("yodel_echo_dropped_total", ["reason": reason.rawValue], counters.dropped[reason] ?? 0)
    }
    writer.single(
      "yodel_echo_duplicated_total", .counter, "Replies made beyond one for a datagram.", counters.duplicated)
    writer.single("yodel_echo_held", .gauge, "Replies that impairments hold back.", counters.held)
    writer.family("yodel_echo_impaired_total", .counter, "What impairments did to datagrams and their replies.")
    for kind in ImpairmentKind.allCases {
      writer.sample("yodel_echo_impaired_total", ["kind": kind.rawValue], counters.impaired[kind] ?? 0)
    }
    writer.single(
      "yodel_echo_receive_buffer_full_total", .counter,
      "What the kernel dropped before it was read; a burst that it had as one counts as one.",
      counters.receiveBufferFull)
  }

  private func writeFeeds(to writer: inout MetricsWriter) {
    writer.single("yodel_feeds", .gauge, "Clients that are told of datagrams as they come.", core.feeds.count)
    writer.single(
      "yodel_feed_missed_total", .counter, "Datagrams that feeds were not told of, being too slow.", core.feeds.missed)
  }

  private func writeHTTP(_ counts: LoopMetrics.Counts, to writer: inout MetricsWriter) {
    writer.family("yodel_http_requests_total", .counter, "Requests by route, method and status code.")
    let requests = counts.requests.all.map { key, count in
      (core.router.text(key.route), key.method.map { Self.countedMethods[$0].rawValue } ?? "other", key.status, count)
    }
    for (route, method, status, count) in requests.sorted(by: { ($0.0, $0.1, $0.2) < ($1.0, $1.1, $1.2) }) {
      writer.sample("yodel_http_requests_total", ["route": route, "method": method, "code": String(status)], count)
    }
    writer.single("yodel_http_connections", .gauge, "Open HTTP connections.", core.server?.connections ?? 0)
    writer.single(
      "yodel_http_connections_limit", .gauge, "How many of them are served (--max-connections).",
      core.configuration.maxConnections)
    writer.single(
      "yodel_http_connections_closed_total", .counter, "Connections that were closed unheard, being too many.",
      core.server?.connectionsClosed ?? 0)
  }
}
