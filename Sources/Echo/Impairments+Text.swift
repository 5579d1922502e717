extension Impairments: CustomStringConvertible {
  /// One line for people, as in `loss 10 %, delay 50 ± 5 ms (uniform), seed 7`; `none` where nothing is done. What
  /// remains of its time is in whole milliseconds.
  public var description: String {
    guard isActive else { return "none" }
    var parts: [String] = []
    if lossPercent > 0 { parts.append("loss \(Self.text(lossPercent)) %") }
    if let burstLoss {
      let (enter, leave) = (Self.text(burstLoss.enterPercent), Self.text(burstLoss.leavePercent))
      parts.append("burst loss (enter \(enter) %, leave \(leave) %)")
    }
    if jitterMilliseconds > 0 {
      let (delay, jitter) = (Self.text(delayMilliseconds), Self.text(jitterMilliseconds))
      parts.append("delay \(delay) ± \(jitter) ms (\(distribution.rawValue))")
    } else if delayMilliseconds > 0 {
      parts.append("delay \(Self.text(delayMilliseconds)) ms")
    }
    for (name, percent) in [("duplicate", duplicatePercent), ("corrupt", corruptPercent), ("reorder", reorderPercent)]
    where percent > 0 {
      parts.append("\(name) \(Self.text(percent)) %")
    }
    if let rateKilobits { parts.append("rate \(Self.text(rateKilobits)) kbit/s") }
    if let seed { parts.append("seed \(seed)") }
    if let expiresInMilliseconds { parts.append("for \(Self.text(expiresInMilliseconds.rounded(.up))) ms") }
    return parts.joined(separator: ", ")
  }

  /// A number as JSON has it too, a whole one without a point: `10`, `0.5`.
  public static func text(_ number: Double) -> String {
    Int(exactly: number).map(String.init) ?? "\(number)"
  }
}
