extension Impairments {
  /// One setting with its new value.
  public enum Edit: Sendable, Equatable {
    /// A setting that is a number.
    case number(Setting, Double)
    /// ``Impairments/burstLoss``.
    case burstLoss(BurstLoss)
    /// ``Impairments/distribution``.
    case distribution(Distribution)
    /// ``Impairments/seed``.
    case seed(UInt64)
    /// A setting goes back to what it is where nothing is asked for.
    case reset(Setting)

    /// What it sets.
    public var setting: Setting {
      switch self {
      case .number(let setting, _), .reset(let setting): setting
      case .burstLoss: .burstLoss
      case .distribution: .distribution
      case .seed: .seed
      }
    }
  }

  /// What somebody asks for: all of the impairments, or some of them beside those in force.
  public struct Change: Sendable, Equatable {
    /// Settings that are not named go back to none; else they stay.
    public var isWhole: Bool
    /// The settings that are named.
    public var edits: [Edit]

    /// A change of the whole, or of a part.
    public init(isWhole: Bool, edits: [Edit]) {
      self.isWhole = isWhole
      self.edits = edits
    }

    /// Back to none.
    public static let none = Change(isWhole: true, edits: [])

    /// To these, whatever is in force.
    public init(to impairments: Impairments) {
      let numbers: [(Setting, Double?)] = [
        (.loss, impairments.lossPercent), (.delay, impairments.delayMilliseconds),
        (.jitter, impairments.jitterMilliseconds), (.duplicate, impairments.duplicatePercent),
        (.corrupt, impairments.corruptPercent), (.reorder, impairments.reorderPercent),
        (.rate, impairments.rateKilobits), (.expiry, impairments.expiresInMilliseconds),
      ]
      var edits = numbers.compactMap { setting, value in value.map { Edit.number(setting, $0) } }
      edits.append(.distribution(impairments.distribution))
      if let chain = impairments.burstLoss { edits.append(.burstLoss(chain)) }
      if let seed = impairments.seed { edits.append(.seed(seed)) }
      self.init(isWhole: true, edits: edits)
    }

    /// Whether a setting is given anew, be it as none.
    func sets(_ setting: Setting) -> Bool {
      isWhole || edits.contains { $0.setting == setting }
    }

    /// What it makes of the impairments in force.
    ///
    /// - Throws: the ``Fault`` of what would come of it.
    func applied(to current: Impairments) throws(Fault) -> Impairments {
      var next = isWhole ? Impairments() : current
      for edit in edits { next.apply(edit) }
      if let fault = next.fault { throw fault }
      return next
    }
  }

  mutating func apply(_ edit: Edit) {
    switch edit {
    case .number(let setting, let value): set(setting, value)
    case .burstLoss(let chain): burstLoss = chain
    case .distribution(let shape): distribution = shape
    case .seed(let number): seed = number
    case .reset(let setting): reset(setting)
    }
  }

  private mutating func set(_ setting: Setting, _ value: Double) {
    switch setting {
    case .loss: lossPercent = value
    case .delay: delayMilliseconds = value
    case .jitter: jitterMilliseconds = value
    case .duplicate: duplicatePercent = value
    case .corrupt: corruptPercent = value
    case .reorder: reorderPercent = value
    case .rate: rateKilobits = value
    case .expiry: expiresInMilliseconds = value
    case .burstLoss, .distribution, .seed: preconditionFailure("\(setting.rawValue) is no number of this kind")
    }
  }

  private mutating func reset(_ setting: Setting) {
    switch setting {
    case .burstLoss: burstLoss = nil
    case .distribution: distribution = .uniform
    case .rate: rateKilobits = nil
    case .seed: seed = nil
    case .expiry: expiresInMilliseconds = nil
    case .loss, .delay, .jitter, .duplicate, .corrupt, .reorder: set(setting, 0)
    }
  }
}
