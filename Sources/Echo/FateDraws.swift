import Glibc

/// Random numbers that are a function of seed, datagram and decision: what one setting uses never shifts what another
/// one gets, and the n-th datagram draws the same whatever became of those before it.
///
/// It is SplitMix64 (Steele, Lea, Flood 2014), whose n-th output is a function of n: each decision has its own n.
struct FateDraws: Sendable {
  /// What is decided for each datagram, and twice for what concerns a copy.
  enum Decision: UInt64 {
    case burstStep, loss, duplicate
    case corrupt, corruptedBit, reorder, jitter, secondJitter
  }

  private static let copies: UInt64 = 2
  /// Places of one datagram; those of a second copy come behind the first's.
  private static let places: UInt64 = 16

  private let key: UInt64

  init(seed: UInt64) {
    // Neighbouring seeds are to have nothing in common.
    key = Self.mixed(seed &+ 0x9E37_79B9_7F4A_7C15)
  }

  /// 64 bits for a decision.
  func bits(_ decision: Decision, copy: UInt64 = 0, datagram: UInt64) -> UInt64 {
    precondition(copy < Self.copies)
    let place = datagram &* Self.places &+ decision.rawValue &+ copy * (Self.places / Self.copies)
    return Self.mixed(key &+ (place &+ 1) &* 0x9E37_79B9_7F4A_7C15)
  }

  /// A number from 0 up to but not including 1, of 53 bits.
  func unit(_ decision: Decision, copy: UInt64 = 0, datagram: UInt64) -> Double {
    Double(bits(decision, copy: copy, datagram: datagram) >> 11) * 0x1p-53
  }

  /// Whether what happens so often happens here: never at 0, always at 100.
  func happens(_ decision: Decision, percent: Double, copy: UInt64 = 0, datagram: UInt64) -> Bool {
    unit(decision, copy: copy, datagram: datagram) * 100 < percent
  }

  /// A number with the normal distribution of mean 0 and standard deviation 1 (Box and Muller 1958).
  func normal(copy: UInt64, datagram: UInt64) -> Double {
    // The logarithm has no value at 0, so it is 1 that is left out and 0 that is not reached.
    let radius = (-2 * log(1 - unit(.jitter, copy: copy, datagram: datagram))).squareRoot()
    return radius * cos(2 * .pi * unit(.secondJitter, copy: copy, datagram: datagram))
  }

  private static func mixed(_ value: UInt64) -> UInt64 {
    var mixed = value
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
