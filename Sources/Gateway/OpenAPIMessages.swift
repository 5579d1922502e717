import Basics

// `POST /api/messages`, as the OpenAPI document has it.

extension APIOperation {
  static let sendMessage = APIOperation(
    identifier: "sendMessage", tag: .messages,
    description: """
      The request's `Content-Type` says what the datagram is: JSON and forms hold it in a member; any other type, or \
      none, is the datagram itself, byte for byte, and an empty body an empty datagram. Options are members, fields \
      or, for any body, query parameters; not two of these. A name that is not known is an error.

      A reply that differs from the message is a 200 too: `match` says so. With `Accept: text/plain` or \
      `application/octet-stream` the answer is the reply's bytes alone.
      """,
    parameters: MessageRequest.optionNames.map { ["$ref": "#/components/parameters/\($0)"] },
    body: OpenAPI.messageBody, answer: OpenAPI.messageAnswer,
    problems: [
      .invalidRequest, .unknownTarget, .targetNotAllowed, .portUnreachable, .targetUnreachable, .noReply,
    ])
}

extension OpenAPI {
  fileprivate static let messageBody: JSONValue = [
    "description": "The message; at most \(Limits.requestBody) bytes of body.",
    "content": [
      "application/json": [
        "schema": schema("message"),
        "examples": [
          "text": ["value": ["message": "hello from client!!"]],
          "bytes": ["value": ["hex": "00ff", "timeout_ms": 500]],
          "base64": ["value": ["base64": "AP8=", "target": "echo", "fresh": true]],
        ],
      ],
      "application/x-www-form-urlencoded": [
        "schema": schema("messageForm"),
        "examples": [
          "field": ["value": ["message": "hello from client!!"]],
          "bytes": ["value": ["hex": "00ff", "timeout_ms": 500]],
        ],
      ],
      "text/plain": ["schema": ["type": "string"], "example": "hello from client!!"],
      "application/octet-stream": ["schema": [:], "example": "hello from client!!"],
    ],
  ]

  fileprivate static let messageAnswer: JSONValue = [
    "description": "The reply.",
    "headers": [
      "Server-Timing": header("The round-trip time in milliseconds.", example: "udp;dur=0.084"),
      "Yodel-Sender": header("Who sent the reply; where the answer is its bytes alone.", example: "127.0.0.1:9999")
        .with("required", false),
    ],
    "content": [
      "application/json": [
        "schema": schema("reply"),
        "examples": [
          "text": ["value": replyExample],
          "bytes": [
            "value": [
              "reply": .null, "reply_base64": "AP8=", "sender": ["address": "::1", "port": 9999],
              "local": ["address": "::1", "port": 53117], "target": "echo", "bytes": 2, "match": true, "rtt_ms": 0.084,
            ]
          ],
        ],
      ],
      "text/plain": ["schema": ["type": "string"], "example": "hello from client!!"],
      "application/octet-stream": ["schema": [:], "example": "hello from client!!"],
    ],
  ]

  private static let replyExample: JSONValue = [
    "reply": "hello from client!!", "sender": ["address": "127.0.0.1", "port": 9999],
    "local": ["address": "127.0.0.1", "port": 53117], "target": "echo", "bytes": 19, "match": true, "rtt_ms": 0.084,
  ]

  /// The options of a message as query parameters, by their names.
  static let messageParameters: [(String, JSONValue)] = options.map { name, option in
    (name, ["name": "\(name)", "in": "query", "schema": option])
  }

  private static let options: [(String, JSONValue)] = [
    ("target", schema("target")), ("timeout_ms", schema("timeout_ms")),
    ("fresh", flag("A source port that no message used before.").with("default", false)),
  ]

  static let messageSchemas: [(String, JSONValue)] = [
    (
      "target",
      text("A target's name, or a literal `ADDRESS:PORT` inside an `--allow-target`; else the default target.")
    ),
    ("address", object("An address; IPv6 without brackets.", addressMembers)),
    (
      "message",
      [
        "type": "object", "description": "Exactly one of `message`, `base64` and `hex`, and options.",
        "oneOf": .array(MessageRequest.payloadNames.map { ["required": ["\($0)"]] }), "properties": messageMembers,
        "additionalProperties": false,
      ]
    ),
    (
      "messageForm",
      [
        "description": """
        A form with exactly one of `message`, `base64` and `hex`, and options. What has none of them is the datagram \
        as it stands; a JSON object with one of them is read as JSON.
        """,
        "type": "object",
        "oneOf": [
          [
            "oneOf": .array(MessageRequest.payloadNames.map { ["required": ["\($0)"]] }), "properties": messageMembers,
            "additionalProperties": false,
          ],
          ["not": ["anyOf": .array(MessageRequest.payloadNames.map { ["required": ["\($0)"]] })]],
        ],
      ]
    ),
    (
      "reply",
      object(
        "What came back.",
        [
          "reply": ["type": ["string", "null"], "description": "As text; null where it is not UTF-8."],
          "reply_base64": base64("There where `reply` is null, or the request had `base64` or `hex`."),
          "sender": schema("address"), "local": schema("address"),
          "target": text("The target's name, or its address where it has none."),
          "bytes": integer("The reply's length.", 0...Limits.largestPayloadIPv6),
          "match": flag("It is, byte for byte, what was sent."),
          "rtt_ms": milliseconds("From just before the send to the arrival."),
        ], optional: ["reply_base64"])
    ),
  ]

  /// The members of an address, for objects that have others too.
  static let addressMembers: KeyValuePairs<String, JSONValue> = [
    "address": text("As in `127.0.0.1`, `::1` or `fe80::1%eth0`; IPv4 mapped into IPv6 as IPv4."),
    "port": integer("UDP's or TCP's.", 0...65_535),
  ]

  private static let messageMembers = JSONValue(
    members: [
      ("message", text("The datagram as text.").with("maxLength", number(Limits.largestPayloadIPv6))),
      ("base64", base64("The datagram's bytes.").with("maxLength", number((Limits.largestPayloadIPv6 + 2) / 3 * 4))),
      (
        "hex",
        [
          "type": "string", "description": "The datagram's bytes as pairs of digits.",
          "pattern": "^([0-9A-Fa-f]{2})*$", "maxLength": number(2 * Limits.largestPayloadIPv6),
        ]
      ),
    ] + options)

  /// Bytes in base64 (RFC 4648), padded.
  static func base64(_ description: String) -> JSONValue {
    [
      "type": "string", "description": "\(description)", "contentEncoding": "base64",
      "pattern": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
    ]
  }

  /// A span that was measured.
  static func milliseconds(_ description: String) -> JSONValue {
    ["type": "number", "description": "\(description)", "minimum": 0]
  }
}
