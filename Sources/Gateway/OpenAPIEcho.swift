import Basics
import Echo
import Sockets

// The embedded echo server, as the OpenAPI document has it.

extension APIOperation {
  static let echoCounters = APIOperation(
    identifier: "echoCounters", tag: .echo,
    description: "`received` + `duplicated` = `echoed` + `held` + the sum of `dropped`, at any moment.",
    answer: json("The counters.", "echo", example: OpenAPI.echoExample), problems: [.notFound])

  static let impairments = APIOperation(
    identifier: "getImpairments", tag: .echo, description: "What is in force in every loop.",
    answer: json("What is in force.", "impairments", example: OpenAPI.noImpairments), problems: [.notFound])

  static let setImpairments = change(
    "setImpairments", "Members that are not there go back to none; so do those that are null.",
    OpenAPI.schema("impairmentsChange") + OpenAPI.reorderNeedsDelay)

  static let changeImpairments = change(
    "changeImpairments", "Members that are not there stay as they are; those that are null go back to none.",
    OpenAPI.schema("impairmentsChange"))

  private static func change(_ identifier: String, _ description: String, _ schema: JSONValue) -> APIOperation {
    APIOperation(
      identifier: identifier, tag: .echo,
      description: description
        + " The body is JSON whatever its type says; an empty one stands for `{}`. The answer comes when it is so in "
        + "every loop.",
      body: [
        "description": "What is to be in force.",
        "content": [
          "application/json": [
            "schema": schema,
            "examples": [
              "lossy": ["value": ["loss_percent": 10, "delay_ms": 50, "jitter_ms": 5, "expires_in_ms": 60_000]],
              "bursts": ["value": ["burst_loss": ["enter_percent": 1, "leave_percent": 25], "seed": 7]],
            ],
          ]
        ],
      ],
      answer: json("What is now in force.", "impairments", example: OpenAPI.someImpairments),
      problems: [.notFound, .invalidRequest])
  }

  static let endImpairments = APIOperation(
    identifier: "endImpairments", tag: .echo, description: "Back to none.",
    answer: json("What is now in force: none.", "impairments", example: OpenAPI.noImpairments), problems: [.notFound])

  static let datagrams = APIOperation(
    identifier: "datagrams", tag: .echo,
    description: """
      What the echo server saw, from any client, the newest first. With `Accept: text/event-stream` it is a live feed \
      instead: `event: datagram` with a `datagram` as its data, and `event: gap` with a `gap` where some are gone; a \
      comment every \(Int(Limits.feedKeepAlive.seconds)) s says that it is still there.
      """,
    parameters: [
      [
        "name": "limit", "in": "query", "description": "How many, at most; not for a feed.",
        "schema": OpenAPI.integer("How many.", Limits.listedDatagrams)
          .with("default", OpenAPI.number(Limits.defaultListedDatagrams)),
      ],
      [
        "name": "Last-Event-ID", "in": "header", "description": "A feed goes on after it.",
        "schema": ["type": "string"],
      ],
    ],
    answer: [
      "description": "The datagrams.",
      "content": [
        "application/json": [
          "schema": OpenAPI.schema("datagrams"), "example": ["datagrams": [OpenAPI.datagramExample]],
        ],
        "text/event-stream": [
          "schema": ["type": "string", "description": "Server-sent events (HTML Standard)."],
          "example": .string(OpenAPI.feedExample),
        ],
      ],
    ], problems: [.notFound, .invalidRequest])
}

extension OpenAPI {
  static let echoSchemas: [(String, JSONValue)] = [
    (
      "echo",
      object(
        "What the echo server did.",
        [
          "addresses": ["type": "array", "items": schema("address")], "received": count("All that was read."),
          "echoed": count("All that was sent, duplicates included."), "duplicated": count("Second answers."),
          "held": count("Held back at the moment."),
          "dropped": object("By reason.", counts(DropReason.allCases.map(\.rawValue))),
          "bytes_received": count("Payload bytes of what was read."),
          "receive_buffer_full": count("What the kernel had no room for, a burst as one; outside the sum."),
          "impairments": schema("impairments"),
        ])
    ),
    ("impairments", .init(members: [("type", "object"), ("required", .array(settings)), ("properties", inForce)])),
    (
      "impairmentsChange",
      [
        "type": "object", "additionalProperties": false,
        "properties": .init(
          members: Impairments.Setting.allCases.map { ($0.rawValue, ["anyOf": [member($0), ["type": "null"]]]) }),
      ]
    ),
    ("datagrams", object("A list.", ["datagrams": ["type": "array", "items": schema("datagram")]])),
    ("datagram", datagram),
    ("gap", object("Datagrams that are gone.", ["missed": count("How many.")])),
  ]

  private static let settings: [JSONValue] = Impairments.Setting.allCases.map { "\($0.rawValue)" }

  private static let inForce = JSONValue(
    members: Impairments.Setting.allCases.map { setting in
      switch setting {
      case .burstLoss, .rate, .seed, .expiry: (setting.rawValue, ["anyOf": [member(setting), ["type": "null"]]])
      case .loss, .delay, .jitter, .distribution, .duplicate, .corrupt, .reorder: (setting.rawValue, member(setting))
      }
    })

  /// One setting.
  private static func member(_ setting: Impairments.Setting) -> JSONValue {
    let longest = Double(Limits.longestDelayMilliseconds)
    return switch setting {
    case .loss: percent("Lost, of what bursts left.")
    case .burstLoss:
      object(
        "Loses all from one chance to the next (Gilbert–Elliott).",
        ["enter_percent": percent("From none to all."), "leave_percent": percent("From all to none.")]
      ).with("additionalProperties", false)
    case .delay: number("Holds each reply back, in milliseconds.", 0...longest)
    case .jitter: number("How far that varies, in milliseconds.", 0...longest)
    case .distribution:
      [
        "enum": .array(Impairments.Distribution.allCases.map { "\($0.rawValue)" }),
        "description": "`uniform`: evenly, to both sides; `normal`: the bell curve.",
      ]
    case .duplicate: percent("Answered twice.")
    case .corrupt: percent("Replies with one bit flipped.")
    case .reorder: percent("Go at once while the others are delayed; needs a delay.")
    case .rate: number("What all replies share, headers included, in kbit/s.", Limits.impairedRates)
    case .seed: integer("What chance is drawn from; without one, one is drawn.", 0...Int(Impairments.seeds) - 1)
    case .expiry: number("Back to none after that, in milliseconds.", 0...Double(Limits.longestImpairment))
    }
  }

  private static func percent(_ description: String) -> JSONValue { number(description, 0...100) }

  private static func number(_ description: String, _ range: ClosedRange<Double>) -> JSONValue {
    [
      "type": "number", "description": "\(description)", "minimum": .number(range.lowerBound),
      "maximum": .number(range.upperBound),
    ]
  }

  /// What goes at once overtakes only what waits.
  fileprivate static let reorderNeedsDelay: JSONValue = [
    "if": [
      "required": ["reorder_percent"], "properties": ["reorder_percent": ["type": "number", "exclusiveMinimum": 0]],
    ],
    "then": ["required": ["delay_ms"], "properties": ["delay_ms": ["type": "number", "exclusiveMinimum": 0]]],
  ]

  private static let datagram = object(
    "A datagram that the echo server saw.",
    [
      "id": text("For `Last-Event-ID`."), "time": text("The kernel's receipt.").with("format", "date-time"),
      "source": schema("address"), "destination": schema("address"),
      "bytes": integer("Its length.", 0...Limits.largestPayloadIPv6),
      "text": optional("string", "Its first \(Limits.recordedBytes) bytes; null where they are not UTF-8."),
      "base64": base64("Its first \(Limits.recordedBytes) bytes."),
      "fate": ["enum": .array(fates.map { "\($0.name)" })],
      "impairments": [
        "type": "array", "description": "What was done to it on purpose.",
        "items": ["enum": .array(ImpairmentKind.allCases.map { "\($0.rawValue)" })],
      ],
      "reason": [
        "enum": .array(DropReason.allCases.map { "\($0.rawValue)" } + [.null]), "description": "Why it was `refused`.",
      ],
      "via_gateway": flag("A message of this gateway's."),
    ])

  private static let fates: [DatagramFate] = [.echoed, .lost, .refused(.lowSourcePort)]

  /// Counters of these names.
  private static func counts(_ names: [String]) -> [(String, JSONValue)] { names.map { ($0, count("Datagrams.")) } }
}

// MARK: - Examples, in the words that answers have

extension OpenAPI {
  fileprivate static let noImpairments = written { $0.impairmentMembers(Impairments()) }

  fileprivate static let someImpairments = written { json in
    var impairments = Impairments()
    (impairments.lossPercent, impairments.delayMilliseconds, impairments.jitterMilliseconds) = (10, 50, 5)
    (impairments.seed, impairments.expiresInMilliseconds) = (7, 60_000)
    json.impairmentMembers(impairments)
  }

  fileprivate static let echoExample: JSONValue =
    ["addresses": [["address": "127.0.0.1", "port": 9999]], "received": 3, "echoed": 2, "duplicated": 0, "held": 0]
    + [
      "dropped": .init(members: DropReason.allCases.map { ($0.rawValue, $0 == .impaired ? 1 : 0) }),
      "bytes_received": 57, "receive_buffer_full": 0, "impairments": someImpairments,
    ]

  private static let seen = RecordedDatagram(
    number: 5, receivedAt: WallTime(nanoseconds: 1_795_348_800_123_456_000), source: SocketAddress("127.0.0.1:53117")!,
    destination: SocketAddress("127.0.0.1:9999")!, length: 5, fate: .echoed, impairments: [], isOwn: true)

  fileprivate static let datagramExample = written {
    $0.datagramMembers(seen, Array("hello".utf8)[...], identifier: "3gq7fz8fwxoi5-5")
  }

  fileprivate static let feedExample = String(
    decoding: EventStream.comment("a feed of what the echo server sees")
      + EventStream.datagram(seen, Array("hello".utf8)[...], identifier: "3gq7fz8fwxoi5-5")
      + EventStream.gap(missed: 2),
    as: UTF8.self)

  /// An object as an answer has it.
  private static func written(_ members: (inout JSONWriter) -> Void) -> JSONValue {
    value(of: JSONWriter.text(members))
  }
}
