import Basics
public import Relay
public import Sockets

extension ProbeLine {
  /// The line as `POST /api/probes` writes it: an object and a newline.
  ///
  /// - Parameter sender: who answers: the series' target, since its socket hears nobody else.
  public func json(from sender: SocketAddress) -> [UInt8] {
    JSONWriter.text { json in
      json.member("seq", number)
      json.member("fate", fate.rawValue)
      if let roundTrip { json.member("rtt_ms", milliseconds: roundTrip) }
      if let bytes, fate != .duplicate {
        json.address("sender", sender)
        json.member("bytes", bytes)
      }
      if let icmp = error?.icmp {
        json.object("icmp") { $0.icmpMembers(version: icmp.version, type: icmp.type, code: icmp.code) }
      } else if let error {
        json.member("detail", error.errno.description)
      }
    }
  }
}

extension ProbeSummary {
  /// The summary as `POST /api/probes` writes it: an object and a newline.
  public var json: [UInt8] {
    JSONWriter.text { json in
      json.object("summary") { json in
        json.member("complete", isComplete)
        for (name, count) in counts { json.member(name, count) }
        if !isComplete { json.member("undecided", undecided) }
        json.member("loss_percent", optionalNumber: lossMillipercent.map { decimal(thousandths: $0) })
        for (name, count) in surplus { json.member(name, count) }
        json.object("rtt_ms") { writeRoundTrips(to: &$0) }
        json.member("jitter_ms", optionalNumber: roundTrips.jitter?.milliseconds)
      }
    }
  }

  private var counts: KeyValuePairs<StaticString, Int> {
    [
      "sent": sent, "received": received, "late": late, "corrupted": corrupted, "lost": lost,
      "unreachable": unreachable,
    ]
  }

  private var surplus: KeyValuePairs<StaticString, Int> {
    ["duplicates": duplicates, "reordered": reordered, "unmatched": unmatched, "dropped_here": droppedHere]
  }

  private func writeRoundTrips(to json: inout JSONWriter) {
    let percentiles = roundTrips.percentiles([50, 90, 99])
    json.member("min", optionalNumber: roundTrips.min?.milliseconds)
    json.member("mean", optionalNumber: roundTrips.mean?.milliseconds)
    json.member("p50", optionalNumber: percentiles[0]?.milliseconds)
    json.member("p90", optionalNumber: percentiles[1]?.milliseconds)
    json.member("p99", optionalNumber: percentiles[2]?.milliseconds)
    json.member("max", optionalNumber: roundTrips.max?.milliseconds)
    json.member("stddev", optionalNumber: roundTrips.standardDeviation?.milliseconds)
  }
}

extension JSONWriter {
  /// A number that is text already, or null, as a member.
  fileprivate mutating func member(_ name: StaticString, optionalNumber text: String?) {
    if let text { member(name, number: text) } else { member(name, nil) }
  }

  /// An ICMP message's members.
  mutating func icmpMembers(version: Int, type: UInt8, code: UInt8) {
    member("version", version)
    member("type", type)
    member("code", code)
  }
}
