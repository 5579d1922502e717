import Basics

// What tells of the gateway itself, as the OpenAPI document has it.

extension OpenAPI {
  static let operationSchemas: [(String, JSONValue)] = [
    (
      "routes",
      object(
        "The routes.",
        [
          "routes": [
            "type": "array",
            "items": object(
              "A route.",
              [
                "method": text("HTTP's."), "path": text("Its path."), "summary": text("What it does."),
                "curl": text("A command line that uses it."),
              ]),
          ]
        ])
    ),
    (
      "targets",
      object(
        "Where messages can be sent.", ["targets": ["type": "array", "items": object("A target.", targetMembers)]])
    ),
    (
      "information",
      object(
        "What this gateway is.",
        [
          "name": ["const": "yodel"], "version": text("By semantic versioning."),
          "uptime_ms": milliseconds("Since its start."),
          "loops": integer("Event loops.", Limits.loops), "http": addresses("Where HTTP is listened on."),
          "udp": addresses("Where the embedded echo server is; empty without one."),
          "limits": object("Its bounds.", limits.map { ($0.0, count($0.1)) }),
        ])
    ),
    ("status", object("All is well.", ["status": ["const": "ok"]])),
  ]

  private static let targetMembers: [(String, JSONValue)] =
    [("name", text("What requests call it."))] + addressMembers.map { ($0.key, $0.value) } + [
      ("embedded", flag("It is the echo server in this process.")),
      ("default", flag("For requests that name none.")),
    ]

  private static func addresses(_ description: String) -> JSONValue {
    ["type": "array", "description": "\(description)", "items": schema("address")]
  }

  /// The limits by name, with what they bound and what they are where nothing else is configured.
  private static let limits: [(String, String, Int)] = [
    ("default_timeout_ms", "How long a message waits that does not say.", Limits.defaultTimeoutMilliseconds),
    ("max_timeout_ms", "What it may ask for.", Limits.timeoutMilliseconds.upperBound),
    ("max_in_flight", "Messages in flight.", Limits.defaultMaxInFlight),
    ("max_connections", "HTTP connections.", Limits.defaultMaxConnections),
    ("max_series", "Series at once.", Limits.defaultMaxSeries),
    ("max_probe_count", "Datagrams of a series.", Limits.probeCount.upperBound),
    ("max_probe_bytes", "Bytes of each.", Limits.probeSize.upperBound),
    ("max_feeds", "Live feeds.", Limits.defaultMaxFeeds),
    ("max_feeds_per_client", "Live feeds of one client.", Limits.feedsPerClient),
    ("message_rate", "Messages a second of one client.", Limits.defaultMessageRate),
    ("echo_rate", "Datagrams a second that are echoed for a public network.", Limits.defaultEchoRate),
    ("max_body_bytes", "A request's body.", Limits.requestBody),
    ("max_message_bytes_ipv4", "A message to an IPv4 target.", Limits.largestPayloadIPv4),
    ("max_message_bytes_ipv6", "A message to an IPv6 target.", Limits.largestPayloadIPv6),
  ]

  static let informationExample: JSONValue = [
    "name": "yodel", "version": "\(version)", "uptime_ms": 1234.567, "loops": 2,
    "http": [["address": "127.0.0.1", "port": 8080]], "udp": [["address": "127.0.0.1", "port": 9999]],
    "limits": .init(members: limits.map { ($0.0, number($0.2)) }),
  ]
}
