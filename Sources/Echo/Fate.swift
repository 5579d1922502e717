import Basics

/// What can be done to a datagram; the names are the API's and the metrics'.
public enum ImpairmentKind: String, CaseIterable, Sendable {
  /// It was lost, by itself.
  case loss
  /// It was lost in a burst.
  case burstLoss = "burst_loss"
  /// It was answered twice.
  case duplicate
  /// A bit of a reply was flipped.
  case corrupt
  /// A reply was held back.
  case delay
  /// A reply went at once though others are held back.
  case reorder
  /// A reply had to share the rate.
  case rate
}

/// What becomes of one datagram.
struct Fate: Equatable, Sendable {
  /// How it was lost; nil where it is answered.
  var loss: ImpairmentKind?
  /// Its replies: none where it is lost, two where it is duplicated.
  var copies: [Copy] = []

  /// One reply.
  struct Copy: Equatable, Sendable {
    /// Which bit of the payload is flipped, the lowest of the first byte being 0; nil for none.
    var flippedBit: Int?
    /// How long it is held back.
    var delay = Nanoseconds.zero
    /// It went past a delay that others have.
    var isReordered = false
    /// How long the link takes to send it, once the delay is over; nil where nothing bounds the rate.
    var transmission: Nanoseconds?
  }

  /// What was done, each kind as often as it was done, in the order in which impairments act.
  var kinds: [ImpairmentKind] {
    if let loss { return [loss] }
    var kinds: [ImpairmentKind] = copies.count > 1 ? [.duplicate] : []
    for copy in copies {
      if copy.flippedBit != nil { kinds.append(.corrupt) }
      if copy.delay > .zero { kinds.append(.delay) }
      if copy.isReordered { kinds.append(.reorder) }
      if copy.transmission != nil { kinds.append(.rate) }
    }
    return kinds
  }
}
