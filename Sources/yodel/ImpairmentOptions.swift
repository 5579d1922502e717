import ArgumentParser
import Echo

/// What `serve` and `echo` both take to impair the echo: the API's members of `/api/echo/impairments` as options.
struct ImpairmentOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The share of datagrams that the echo server loses.", valueName: "percent"))
  var loss: Double?

  @Option(help: ArgumentHelp("How long it holds each reply back.", valueName: "ms"))
  var delay: Double?

  @Option(help: ArgumentHelp("How far that varies, evenly, to both sides.", valueName: "ms"))
  var jitter: Double?

  @Option(help: ArgumentHelp("The share of datagrams that it answers twice.", valueName: "percent"))
  var duplicate: Double?

  @Option(help: ArgumentHelp("The share of replies in which it flips a bit.", valueName: "percent"))
  var corrupt: Double?

  @Option(
    help: ArgumentHelp("The share of replies that goes at once while --delay holds the others.", valueName: "percent"))
  var reorder: Double?

  @Option(help: ArgumentHelp("What all its replies share, headers included.", valueName: "kbit/s"))
  var rate: Double?

  @Option(
    help: ArgumentHelp(
      "What chance is drawn from: the same seed, the same fates. (default: one is drawn)", valueName: "n"))
  var seed: UInt64?

  /// What the options ask for together.
  var impairments: Impairments {
    var impairments = Impairments()
    impairments.lossPercent = loss ?? 0
    impairments.delayMilliseconds = delay ?? 0
    impairments.jitterMilliseconds = jitter ?? 0
    impairments.duplicatePercent = duplicate ?? 0
    impairments.corruptPercent = corrupt ?? 0
    impairments.reorderPercent = reorder ?? 0
    impairments.rateKilobits = rate
    impairments.seed = seed
    return impairments
  }

  /// The options by what they set.
  static let names: [Impairments.Setting: String] = [
    .loss: "--loss", .delay: "--delay", .jitter: "--jitter", .duplicate: "--duplicate", .corrupt: "--corrupt",
    .reorder: "--reorder", .rate: "--rate", .seed: "--seed",
  ]

  func validate() throws {
    guard let fault = impairments.fault else { return }
    throw ValidationError("\(Self.names[fault.setting] ?? fault.setting.rawValue) \(fault.rule)")
  }
}
