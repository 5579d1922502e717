import Basics

/// What the echo server does to datagrams on purpose, in the terms of tc-netem(8): the API's JSON as a value.
///
/// They act once, between receipt and reply, in this order: loss by bursts, loss (both final), duplicate, then for each
/// copy corrupt, delay or reorder, and rate at the end.
public struct Impairments: Sendable, Equatable {
  /// The share of datagrams that is lost, each by itself; percentages are from 0 to 100.
  public var lossPercent = 0.0
  /// Losses that come in bursts; nil for none.
  public var burstLoss: BurstLoss?
  /// How long each reply is held back, in milliseconds.
  public var delayMilliseconds = 0.0
  /// How far the delay varies, in milliseconds: the half-width of ``Distribution/uniform``, the standard deviation of
  /// ``Distribution/normal``. A delay below 0 is none. What is delayed less overtakes.
  public var jitterMilliseconds = 0.0
  /// How the delay varies.
  public var distribution = Distribution.uniform
  /// The share of datagrams that is answered twice.
  public var duplicatePercent = 0.0
  /// The share of replies in which one bit is flipped.
  public var corruptPercent = 0.0
  /// The share of replies that goes at once while the rest is delayed.
  public var reorderPercent = 0.0
  /// What all replies share, in kilobits (1000 bits) a second, headers of UDP and IP included; nil for no bound.
  public var rateKilobits: Double?
  /// What the fates are drawn from, below 2⁵³ so that it survives readers whose numbers are doubles; nil where none has
  /// been drawn.
  public var seed: UInt64?
  /// How long from now they are in force, in milliseconds; nil for until they are changed.
  public var expiresInMilliseconds: Double?

  /// None.
  public init() {}

  /// How delays vary around their mean.
  public enum Distribution: String, CaseIterable, Sendable {
    /// Each delay between the bounds is as likely as any other.
    case uniform
    /// The bell curve, without its part below 0.
    case normal
  }

  /// A Gilbert–Elliott chain that steps with every datagram: in its good state it loses nothing, in its bad one all.
  /// The share of losses is enter / (enter + leave), their mean number in a row 100 / leave.
  public struct BurstLoss: Sendable, Equatable {
    /// How likely a step leads from the good state to the bad one.
    public var enterPercent: Double
    /// How likely a step leads from the bad state to the good one.
    public var leavePercent: Double

    /// A chain by its two likelihoods.
    public init(enterPercent: Double, leavePercent: Double) {
      self.enterPercent = enterPercent
      self.leavePercent = leavePercent
    }
  }

  /// Whether anything is done to datagrams at all.
  public var isActive: Bool {
    lossPercent > 0 || burstLoss != nil || delayMilliseconds > 0 || jitterMilliseconds > 0 || duplicatePercent > 0
      || corruptPercent > 0 || rateKilobits != nil
  }
}

// MARK: - Names and bounds

extension Impairments {
  /// The members of ``Impairments``, by their names in the API.
  public enum Setting: String, CaseIterable, Sendable {
    case loss = "loss_percent"
    case burstLoss = "burst_loss"
    case delay = "delay_ms"
    case jitter = "jitter_ms"
    case distribution
    case duplicate = "duplicate_percent"
    case corrupt = "corrupt_percent"
    case reorder = "reorder_percent"
    case rate = "rate_kbit"
    case seed
    case expiry = "expires_in_ms"
  }

  /// What is wrong with impairments: which setting, and what it must be, to be said behind its name.
  public struct Fault: Error, Equatable, Sendable {
    /// The setting at fault.
    public var setting: Setting
    /// As in "must be from 0 to 100, not 101".
    public var rule: String

    /// A fault of a setting.
    public init(_ setting: Setting, _ rule: String) {
      self.setting = setting
      self.rule = rule
    }
  }

  /// The first setting that is out of its range, or makes no sense beside the others; nil where all is well.
  public var fault: Fault? {
    let percentages: [(Setting, Double)] = [
      (.loss, lossPercent), (.duplicate, duplicatePercent), (.corrupt, corruptPercent), (.reorder, reorderPercent),
      (.burstLoss, burstLoss?.enterPercent ?? 0), (.burstLoss, burstLoss?.leavePercent ?? 0),
    ]
    for (setting, value) in percentages where !(0...100).contains(value) {
      return Fault(setting, setting == .burstLoss ? Self.burstRule : "must be from 0 to 100, not \(Self.text(value))")
    }
    let longest = Double(Limits.longestDelayMilliseconds)
    for (setting, value) in [(Setting.delay, delayMilliseconds), (.jitter, jitterMilliseconds)]
    where !(0...longest).contains(value) {
      return Fault(
        setting, "must be from 0 to \(Limits.longestDelayMilliseconds) milliseconds, not \(Self.text(value))")
    }
    if reorderPercent > 0, delayMilliseconds == 0 {
      return Fault(.reorder, "needs a delay: what goes at once overtakes only what waits")
    }
    if let rateKilobits, !Limits.impairedRates.contains(rateKilobits) {
      let (least, most) = (Int(Limits.impairedRates.lowerBound), Int(Limits.impairedRates.upperBound))
      return Fault(.rate, "must be from \(least) to \(most) kilobits a second, not \(Self.text(rateKilobits))")
    }
    if let seed, seed >= Self.seeds { return Fault(.seed, Self.seedRule) }
    if let expiresInMilliseconds, !(0...Double(Limits.longestImpairment)).contains(expiresInMilliseconds) {
      return Fault(
        .expiry, "must be from 0 to \(Limits.longestImpairment) milliseconds, not \(Self.text(expiresInMilliseconds))")
    }
    return nil
  }

  /// Seeds are below this.
  public static let seeds: UInt64 = 1 << 53
  /// What a seed must be.
  public static let seedRule = "must be a whole number from 0 to \(seeds - 1)"
  /// What `burst_loss` must be.
  public static let burstRule = "must be {\"enter_percent\":…,\"leave_percent\":…}, both from 0 to 100"
}
