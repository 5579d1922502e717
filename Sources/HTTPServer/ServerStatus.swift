import Basics
import Sockets
import Synchronization

/// What the workers of all loops share: their number of connections and of buffered bytes, and whether the server ends.
final class ServerStatus: Sendable {
  private let bounds: Locked<ConnectionBounds>
  private let bufferedBytes = Atomic<Int>(0)

  init(maxConnections: Int) {
    bounds = Locked(ConnectionBounds(limit: maxConnections))
  }

  /// Connections that are open now.
  var connections: Int { bounds.withLock { $0.count } }
  /// Connections that were closed unheard, since even those that get a 503 were too many.
  var closed: Int { bounds.withLock { $0.closedCount } }
  /// Bytes that have their room now; a piece that is being refused counts for a moment too.
  var buffered: Int { bufferedBytes.load(ordering: .relaxed) }

  /// Counts a new connection and says what becomes of it.
  func open(from client: IPAddress) -> ConnectionBounds.Admission {
    bounds.withLock { $0.open(from: client) }
  }

  func close(from client: IPAddress) {
    bounds.withLock { $0.close(from: client) }
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
