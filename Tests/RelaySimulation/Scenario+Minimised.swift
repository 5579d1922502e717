import Relay

extension Scenario {
  /// The same failure with as few steps as leaving some out achieves.
  package func minimised(whileFailing isFailing: (Scenario) -> Bool) -> Scenario {
    var smallest = self
    var chunk = max(1, steps.count / 2)
    while true {
      var start = 0
      var hasShrunk = false
      while start < smallest.steps.count {
        var shorter = smallest
        shorter.steps.removeSubrange(start..<min(start + chunk, smallest.steps.count))
        if isFailing(shorter) {
          smallest = shorter
          hasShrunk = true
        } else {
          start += chunk
        }
      }
      if chunk > 1 { chunk /= 2 } else if !hasShrunk { return smallest }
    }
  }
}
