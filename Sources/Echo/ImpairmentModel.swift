import Basics

/// Decides the fates of datagrams, one after another: a pure value without a clock.
///
/// The n-th datagram since the seed was set meets the n-th fate, whatever was set, or came, in between; only the chain
/// of ``Impairments/burstLoss`` remembers anything. Unlike in tc-netem(8), where a duplicate makes good for a loss, a
/// loss is final; the chain steps before its state decides, not after; and the bit that is flipped is one of the
/// payload, never of a header.
struct ImpairmentModel: Sendable {
  /// What is done now.
  var impairments: Impairments {
    didSet { if impairments.burstLoss == nil { isInBurst = false } }
  }
  private var draws: FateDraws
  private var datagram: UInt64 = 0
  private var isInBurst = false

  /// A model that has seen nothing.
  init(_ impairments: Impairments = Impairments()) {
    self.impairments = impairments
    draws = FateDraws(seed: impairments.seed ?? 0)
  }

  /// The next datagram's fate.
  ///
  /// - Parameter bytes: its payload; `headers`: those of UDP and IP, which share the rate.
  mutating func nextFate(bytes: Int, headers: Int) -> Fate {
    defer { datagram += 1 }
    if isLostInBurst() { return Fate(loss: .burstLoss) }
    if happens(.loss, impairments.lossPercent) { return Fate(loss: .loss) }
    var fate = Fate(copies: [copy(0, bytes, headers)])
    if happens(.duplicate, impairments.duplicatePercent) { fate.copies.append(copy(1, bytes, headers)) }
    return fate
  }

  private mutating func isLostInBurst() -> Bool {
    guard let chain = impairments.burstLoss else { return false }
    if happens(.burstStep, isInBurst ? chain.leavePercent : chain.enterPercent) { isInBurst.toggle() }
    return isInBurst
  }

  private func happens(_ decision: FateDraws.Decision, _ percent: Double, copy: UInt64 = 0) -> Bool {
    percent > 0 && draws.happens(decision, percent: percent, copy: copy, datagram: datagram)
  }

  private func copy(_ number: UInt64, _ bytes: Int, _ headers: Int) -> Fate.Copy {
    var copy = Fate.Copy()
    // There is nothing in an empty datagram that could be flipped.
    if bytes > 0, happens(.corrupt, impairments.corruptPercent, copy: number) {
      let bits = draws.bits(.corruptedBit, copy: number, datagram: datagram)
      copy.flippedBit = Int(bits.multipliedFullWidth(by: UInt64(bytes) * 8).high)
    }
    copy.isReordered = happens(.reorder, impairments.reorderPercent, copy: number)
    if !copy.isReordered { copy.delay = delay(number) }
    copy.transmission = impairments.rateKilobits.map { rate in
      // Bits by kilobits a second are milliseconds.
      Nanoseconds(Int64((Double((bytes + headers) * 8) / rate * 1e6).rounded(.up)))
    }
    return copy
  }

  private func delay(_ number: UInt64) -> Nanoseconds {
    var milliseconds = impairments.delayMilliseconds
    if impairments.jitterMilliseconds > 0 {
      let deviation =
        switch impairments.distribution {
        case .uniform: 2 * draws.unit(.jitter, copy: number, datagram: datagram) - 1
        case .normal: draws.normal(copy: number, datagram: datagram)
        }
      milliseconds += impairments.jitterMilliseconds * deviation
    }
    return Nanoseconds(Int64(max(0, milliseconds) * 1e6))
  }
}
