import Basics
import Relay
import Sockets

// `POST /api/probes`, as the OpenAPI document has it.

extension APIOperation {
  static let runSeries = APIOperation(
    identifier: "runSeries", tag: .messages,
    description: """
      Sends the datagrams on schedule from one port, whatever comes back. The body is JSON whatever its type says; an \
      empty one stands for `{}`. The answer is a stream: a line as each fate is known (`seriesLine`), the summary \
      (`seriesSummary`) as the last. With `Accept: application/json` the summary comes alone, at the end.

      `count` times `interval_ms` is at most an hour; from beyond the gateway's machine the interval is at least \
      \(Limits.remoteProbeIntervalMilliseconds) ms. The client going away ends the series.
      """,
    body: [
      "description": "What is to be sent.",
      "content": [
        "application/json": ["schema": OpenAPI.schema("series"), "example": ["count": 20, "interval_ms": 50]]
      ],
    ],
    answer: [
      "description": "What becomes of each datagram.",
      "content": [
        "application/x-ndjson": [
          "schema": ["type": "string", "description": "Lines: `seriesLine`, and at the end one `seriesSummary`."],
          "example": .string(OpenAPI.lines),
        ],
        "application/json": [
          "schema": OpenAPI.schema("seriesSummary"), "example": OpenAPI.value(of: OpenAPI.summary.json),
        ],
      ],
    ],
    problems: [.invalidRequest, .unknownTarget, .targetNotAllowed, .targetUnreachable])
}

extension OpenAPI {
  static let seriesSchemas: [(String, JSONValue)] = [
    (
      "series",
      object(
        "A series of datagrams.",
        [
          "target": schema("target"),
          "count": integer("How many.", Limits.probeCount).with("default", number(Limits.defaultProbeCount)),
          "interval_ms": [
            "description": "From one to the next, in milliseconds; 0: the next when the last is decided.",
            "oneOf": [["const": 0], integer("On schedule.", Limits.probeIntervalMilliseconds)],
            "default": number(Limits.defaultProbeIntervalMilliseconds),
          ],
          "size": integer("Bytes of each.", Limits.probeSize).with("default", number(Limits.defaultProbeSize)),
          "timeout_ms": schema("timeout_ms"),
        ], optional: Set(SeriesRequest.names)
      ).with("additionalProperties", false)
    ),
    (
      "seriesLine",
      object(
        "What became of one datagram.",
        [
          "seq": integer("Its number.", 1...Limits.probeCount.upperBound),
          "fate": ["enum": .array(ProbeLine.Fate.allCases.map { "\($0.rawValue)" })],
          "rtt_ms": milliseconds("Where something came back."), "sender": schema("address"),
          "bytes": count("The length of what came back."), "icmp": schema("icmp"),
          "detail": text("Why it is `unreachable`, where ICMP did not say."),
        ], optional: ["rtt_ms", "sender", "bytes", "icmp", "detail"])
    ),
    ("seriesSummary", object("The last line.", ["summary": summarySchema])),
  ]

  private static let summarySchema = object(
    "`sent` = `received` + `late` + `corrupted` + `lost` + `unreachable`; the others are outside that sum.",
    [
      "complete": flag("False where it was ended early."),
      "sent": count("Datagrams whose fate is known."), "received": count("Came back as sent, in time."),
      "late": count("Came back after their deadline."), "corrupted": count("Came back in time and differ."),
      "lost": count("Did not come back."), "unreachable": count("Did not get there, as ICMP or the kernel said."),
      "undecided": count("Sent, and in flight when it was ended early."),
      "loss_percent": optional("number", "(`lost` + `unreachable`) / `sent`."),
      "duplicates": count("Copies after the first."), "reordered": count("First copies behind a higher number."),
      "unmatched": count("What no number could be read from."), "dropped_here": count("Our own buffer was full."),
      "rtt_ms": object(
        "Null where nothing came back.",
        [
          "min": optional("number"), "mean": optional("number"), "p50": optional("number"), "p90": optional("number"),
          "p99": optional("number"), "max": optional("number"), "stddev": optional("number"),
        ]),
      "jitter_ms": optional("number", "The mean difference of consecutive round trips."),
    ], optional: ["undecided"])

  /// A value that may be null.
  static func optional(_ type: String, _ description: String? = nil) -> JSONValue {
    let schema: JSONValue = ["type": ["\(type)", "null"]]
    return description.map { schema + ["description": "\($0)"] } ?? schema
  }

  /// What two datagrams may come to: one came back, one did not.
  fileprivate static let summary: ProbeSummary = {
    var summary = ProbeSummary()
    summary.isComplete = true
    (summary.received, summary.lost) = (1, 1)
    summary.roundTrips.add(.init(81_000))
    return summary
  }()

  fileprivate static let lines: String = {
    let sender = SocketAddress("127.0.0.1:9999")!
    let reply = ProbeLine(1, .reply, roundTrip: .init(81_000), bytes: Limits.defaultProbeSize)
    let lines = [reply, ProbeLine(2, .lost)].flatMap { $0.json(from: sender) } + summary.json
    return String(decoding: lines, as: UTF8.self)
  }()
}
