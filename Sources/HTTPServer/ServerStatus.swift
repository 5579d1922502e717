import Basics
import Synchronization

/// What the workers of all loops share: their number of connections and of buffered bytes, and whether the server ends.
final class ServerStatus: Sendable {
  let maxConnections: Int
  private let connectionCount = Atomic<Int>(0)
  private let closedOverLimit = Atomic<Int>(0)
  private let bufferedBytes = Atomic<Int>(0)

  init(maxConnections: Int) {
    self.maxConnections = maxConnections
  }

  /// Connections that are open now.
  var connections: Int { connectionCount.load(ordering: .relaxed) }
  /// Connections that were closed unheard, since even those that get a 503 were too many.
  var closed: Int { closedOverLimit.load(ordering: .relaxed) }

  /// What becomes of a new connection.
  enum Admission {
    case served
    /// Its request gets a 503.
    case overLimit
    /// It is closed at once.
    case closed
  }

  /// Counts a new connection and says what becomes of it.
  func open() -> Admission {
    let before = connectionCount.add(1, ordering: .relaxed).oldValue
    if before < maxConnections { return .served }
    if before < maxConnections + Limits.connectionsOverLimit { return .overLimit }
    close()
    closedOverLimit.add(1, ordering: .relaxed)
    return .closed
  }

  func close() {
    connectionCount.subtract(1, ordering: .relaxed)
  }

  /// Takes room for a piece of a body; false where all of it is taken.
  func buffer(_ bytes: Int) -> Bool {
    let before = bufferedBytes.add(bytes, ordering: .relaxed).oldValue
    if before + bytes <= Limits.bufferedBodies { return true }
    unbuffer(bytes)
    return false
  }

  func unbuffer(_ bytes: Int) {
    if bytes > 0 { bufferedBytes.subtract(bytes, ordering: .relaxed) }
  }
}
