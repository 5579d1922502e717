/// What was done to one datagram on purpose, each kind once.
public struct ImpairmentKinds: OptionSet, Hashable, Sendable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// A set of kinds, however often each was done.
  init(_ kinds: [ImpairmentKind]) {
    rawValue = kinds.reduce(0) { $0 | Self.bit(of: $1) }
  }

  private static func bit(of kind: ImpairmentKind) -> UInt8 {
    1 << UInt8(ImpairmentKind.allCases.firstIndex(of: kind)!)
  }

  /// The API's names, in the order in which impairments act.
  public var names: [String] {
    ImpairmentKind.allCases.filter { rawValue & Self.bit(of: $0) != 0 }.map(\.rawValue)
  }
}
