import Synchronization

/// How many exchanges and retired sockets there may be over all loops.
///
/// Each exchange in flight may end in a retired socket. So that there is always room for it, retired sockets past
/// `limit` count as if they were still in flight: an exchange begins only while both together are below twice `limit`.
/// Resting sockets that hear a surplus datagram are retired too; all sockets together stay below three times `limit`.
public final class ExchangeBudget: Sendable {
  /// Exchanges in flight at most; as many sockets may be retired.
  public let limit: Int
  private let flying = Atomic<Int>(0)
  private let retired = Atomic<Int>(0)

  /// A budget of `limit` exchanges in flight.
  public init(limit: Int) {
    self.limit = limit
  }

  /// Exchanges in flight now.
  public var inFlight: Int { flying.load(ordering: .relaxed) }
  /// Sockets retired now.
  public var retiredSockets: Int { retired.load(ordering: .relaxed) }

  /// There is no room for another exchange.
  public var isExhausted: Bool { inFlight + max(0, retiredSockets - limit) >= limit }

  /// Takes one exchange's place; false where there is none.
  func begin() -> Bool {
    let before = flying.add(1, ordering: .relaxed).oldValue
    let overdue = max(0, retired.load(ordering: .relaxed) - limit)
    if before + overdue < limit { return true }
    end()
    return false
  }

  /// Gives an exchange's place back.
  func end() {
    flying.subtract(1, ordering: .relaxed)
  }

  func retire() {
    retired.add(1, ordering: .relaxed)
  }

  func unretire() {
    retired.subtract(1, ordering: .relaxed)
  }
}
