import Basics
import Echo

extension Impairments.Change {
  /// Reads the body of a `PUT` (all of them) or `PATCH` (some) of `/api/echo/impairments`. A member that is null goes
  /// back to what it is where nothing is asked for (RFC 7396).
  init(isWhole: Bool, body: [UInt8]) throws(Problem) {
    let members = try jsonMembers(of: body, example: "{\"loss_percent\":10}")
    var edits: [Impairments.Edit] = []
    for member in members { edits.append(try Impairments.Edit(member)) }
    self.init(isWhole: isWhole, edits: edits)
  }
}

extension Impairments.Edit {
  fileprivate init(_ member: JSONValue.Member) throws(Problem) {
    guard let setting = Impairments.Setting(rawValue: member.name) else {
      throw Problem(unknown: member.name, "member", known: Impairments.Setting.allCases.map(\.rawValue))
    }
    if case .null = member.value {
      self = .reset(setting)
      return
    }
    switch setting {
    case .burstLoss: self = .burstLoss(try Self.burstLoss(member.value))
    case .distribution: self = .distribution(try Self.distribution(member.value))
    case .seed: self = .seed(try Self.seed(member.value))
    case .loss, .delay, .jitter, .duplicate, .corrupt, .reorder, .rate, .expiry:
      guard case .number(let number) = member.value else {
        throw Problem(.init(setting, "must be a number, not \(member.value.typeName)"))
      }
      self = .number(setting, number)
    }
  }

  private static func seed(_ value: JSONValue) throws(Problem) -> UInt64 {
    guard case .number(let number) = value, let seed = UInt64(exactly: number), seed < Impairments.seeds else {
      throw Problem(.init(.seed, Impairments.seedRule))
    }
    return seed
  }

  private static func distribution(_ value: JSONValue) throws(Problem) -> Impairments.Distribution {
    guard case .string(let name) = value, let distribution = Impairments.Distribution(rawValue: name) else {
      let names = Impairments.Distribution.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: " or ")
      throw Problem(.init(.distribution, "must be \(names)"))
    }
    return distribution
  }

  /// Both members are needed: half a chain says nothing.
  private static func burstLoss(_ value: JSONValue) throws(Problem) -> Impairments.BurstLoss {
    guard case .object(let members) = value else {
      throw Problem(.init(.burstLoss, Impairments.burstRule))
    }
    var numbers: [String: Double] = [:]
    for member in members {
      guard burstNames.contains(member.name) else { throw Problem(unknown: member.name, "member", known: burstNames) }
      if case .number(let number) = member.value { numbers[member.name] = number }
    }
    guard let enter = numbers[burstNames[0]], let leave = numbers[burstNames[1]] else {
      throw Problem(.init(.burstLoss, Impairments.burstRule))
    }
    return Impairments.BurstLoss(enterPercent: enter, leavePercent: leave)
  }

  /// The members of a chain.
  static let burstNames = ["enter_percent", "leave_percent"]
}

extension Problem {
  /// Impairments that cannot be.
  convenience init(_ fault: Impairments.Fault) {
    self.init(.invalidRequest, "'\(fault.setting.rawValue)' \(fault.rule)")
  }
}

extension JSONWriter {
  /// The members of impairments, as a `PUT` takes them too.
  mutating func impairmentMembers(_ impairments: Impairments) {
    member("loss_percent", number: Impairments.text(impairments.lossPercent))
    if let chain = impairments.burstLoss {
      object("burst_loss") { json in
        json.member("enter_percent", number: Impairments.text(chain.enterPercent))
        json.member("leave_percent", number: Impairments.text(chain.leavePercent))
      }
    } else {
      member("burst_loss", nil)
    }
    member("delay_ms", number: Impairments.text(impairments.delayMilliseconds))
    member("jitter_ms", number: Impairments.text(impairments.jitterMilliseconds))
    member("distribution", impairments.distribution.rawValue)
    member("duplicate_percent", number: Impairments.text(impairments.duplicatePercent))
    member("corrupt_percent", number: Impairments.text(impairments.corruptPercent))
    member("reorder_percent", number: Impairments.text(impairments.reorderPercent))
    member("rate_kbit", optionalNumber: impairments.rateKilobits.map { Impairments.text($0) })
    member("seed", optionalNumber: impairments.seed.map { String($0) })
    member("expires_in_ms", optionalNumber: impairments.expiresInMilliseconds.map { Impairments.text($0) })
  }

  private mutating func member(_ name: StaticString, optionalNumber text: String?) {
    if let text { member(name, number: text) } else { member(name, nil) }
  }
}
