/// What was done to a datagram on purpose.
public struct ImpairmentKinds: OptionSet, Hashable, Sendable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// It was not answered.
  public static let loss = ImpairmentKinds(rawValue: 1 << 0)
  /// It was answered twice.
  public static let duplicate = ImpairmentKinds(rawValue: 1 << 1)
  /// A bit of an answer was turned over.
  public static let corrupt = ImpairmentKinds(rawValue: 1 << 2)
  /// An answer was held for a time.
  public static let delay = ImpairmentKinds(rawValue: 1 << 3)
  /// An answer went at once while others were held.
  public static let reorder = ImpairmentKinds(rawValue: 1 << 4)
  /// An answer waited for those before it to leave.
  public static let rate = ImpairmentKinds(rawValue: 1 << 5)

  private static let all: [(kind: ImpairmentKinds, name: String)] = [
    (.loss, "loss"), (.duplicate, "duplicate"), (.corrupt, "corrupt"), (.delay, "delay"), (.reorder, "reorder"),
    (.rate, "rate"),
  ]

  /// The API's names, in the order in which impairments act.
  public var names: [String] {
    Self.all.filter { contains($0.kind) }.map(\.name)
  }
}
