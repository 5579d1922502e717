import Basics
import Testing

@testable import Echo

/// What may be asked for, and what a change makes of what is in force.
@Suite struct ImpairmentsTests {
  private static func fault(_ set: (inout Impairments) -> Void) -> Impairments.Fault? {
    var impairments = Impairments()
    set(&impairments)
    return impairments.fault
  }

  @Test func everySettingHasItsRange() {
    let percentages: [(Impairments.Setting, WritableKeyPath<Impairments, Double>)] = [
      (.loss, \.lossPercent), (.duplicate, \.duplicatePercent), (.corrupt, \.corruptPercent),
      (.reorder, \.reorderPercent),
    ]
    for (setting, path) in percentages {
      for value in [0, 0.01, 100] {
        #expect(Self.fault { ($0[keyPath: path], $0.delayMilliseconds) = (value, 1) } == nil)
      }
      for value in [-0.01, 100.01, .nan, .infinity] {
        #expect(Self.fault { ($0[keyPath: path], $0.delayMilliseconds) = (value, 1) }?.setting == setting, "\(value)")
      }
    }
    for value in [0, 0.001, 60_000] { #expect(Self.fault { $0.delayMilliseconds = value } == nil) }
    for value in [-1, 60_000.001, .nan] {
      #expect(Self.fault { $0.delayMilliseconds = value }?.setting == .delay)
      #expect(Self.fault { $0.jitterMilliseconds = value }?.setting == .jitter)
    }
    for value in [1, 10_000_000.0] { #expect(Self.fault { $0.rateKilobits = value } == nil) }
    for value in [0, 0.99, 10_000_001, .nan] { #expect(Self.fault { $0.rateKilobits = value }?.setting == .rate) }
    #expect(Self.fault { $0.seed = (1 << 53) - 1 } == nil)
    #expect(Self.fault { $0.seed = 1 << 53 }?.setting == .seed)
    for value in [-1, 604_800_001, .nan] {
      #expect(Self.fault { $0.expiresInMilliseconds = value }?.setting == .expiry)
    }
    #expect(Self.fault { $0.burstLoss = .init(enterPercent: 0, leavePercent: 100) } == nil)
    #expect(Self.fault { $0.burstLoss = .init(enterPercent: 101, leavePercent: 1) }?.setting == .burstLoss)
    #expect(Self.fault { $0.burstLoss = .init(enterPercent: 1, leavePercent: -1) }?.setting == .burstLoss)
  }

  @Test func reorderingNeedsADelay() {
    #expect(Self.fault { $0.reorderPercent = 25 }?.setting == .reorder)
    #expect(Self.fault { ($0.reorderPercent, $0.jitterMilliseconds) = (25, 5) }?.setting == .reorder)
    #expect(Self.fault { ($0.reorderPercent, $0.delayMilliseconds) = (25, 0.1) } == nil)
  }

  @Test func whatDoesSomethingIsActive() {
    #expect(!Impairments().isActive)
    let some: [Impairments.Edit] = [
      .number(.loss, 1), .number(.delay, 1), .number(.jitter, 1), .number(.duplicate, 1), .number(.corrupt, 1),
      .number(.rate, 1), .burstLoss(.init(enterPercent: 1, leavePercent: 1)),
    ]
    for edit in some {
      var impairments = Impairments()
      impairments.apply(edit)
      #expect(impairments.isActive && impairments.description != "none", "\(edit)")
      impairments.apply(.reset(edit.setting))
      #expect(impairments == Impairments() && impairments.description == "none", "\(edit)")
    }
    for edit in [Impairments.Edit.seed(7), .distribution(.normal), .number(.expiry, 5)] {
      var impairments = Impairments()
      impairments.apply(edit)
      #expect(!impairments.isActive, "\(edit)")
    }
  }

  @Test func aChangeOfTheWholeForgetsWhatItDoesNotName() throws {
    var current = Impairments()
    (current.lossPercent, current.delayMilliseconds, current.seed) = (10, 50, 7)
    let whole = try Impairments.Change(isWhole: true, edits: [.number(.corrupt, 1)]).applied(to: current)
    #expect(whole.corruptPercent == 1 && whole.lossPercent == 0 && whole.seed == nil)
    let part = try Impairments.Change(isWhole: false, edits: [.number(.corrupt, 1), .reset(.loss)]).applied(to: current)
    #expect(part.corruptPercent == 1 && part.lossPercent == 0)
    #expect(part.delayMilliseconds == 50 && part.seed == 7)
  }

  /// It is what would come of a change that must make sense, not the change alone.
  @Test func aChangeIsJudgedByWhatComesOfIt() throws {
    var current = Impairments()
    current.delayMilliseconds = 50
    let reorder = Impairments.Change(isWhole: false, edits: [.number(.reorder, 25)])
    #expect(try reorder.applied(to: current).reorderPercent == 25)
    current.reorderPercent = 25
    let undelayed = Impairments.Change(isWhole: false, edits: [.number(.delay, 0)])
    #expect(throws: Impairments.Fault.self) { try undelayed.applied(to: current) }
  }

  @Test func aLineTellsPeopleWhatIsInForce() {
    var impairments = Impairments()
    (impairments.lossPercent, impairments.delayMilliseconds, impairments.jitterMilliseconds) = (10, 50, 2.5)
    (impairments.rateKilobits, impairments.seed) = (1000, 7)
    #expect(impairments.description == "loss 10 %, delay 50 ± 2.5 ms (uniform), rate 1000 kbit/s, seed 7")
    impairments = Impairments()
    impairments.burstLoss = .init(enterPercent: 1, leavePercent: 25)
    (impairments.duplicatePercent, impairments.expiresInMilliseconds) = (0.5, 999.999)
    #expect(impairments.description == "burst loss (enter 1 %, leave 25 %), duplicate 0.5 %, for 1000 ms")
  }
}
