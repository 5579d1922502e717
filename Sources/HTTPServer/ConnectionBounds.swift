import Basics
import Sockets

/// Says what becomes of each new connection: a value without a socket.
///
/// One client beyond loopback has a share of the connections only, or a single host could take them all. A client is
/// what ``IPAddress/host`` says. Loopback has no share: behind a proxy there everyone is one client.
struct ConnectionBounds {
  /// What becomes of a connection.
  enum Admission: Hashable {
    case served
    /// Its request gets a 503 that says which bound was reached.
    case refused(HTTPRefusal)
    /// It is closed at once.
    case closed
  }

  let limit: Int
  let limitPerClient: Int
  /// Connections that are open, refused ones included.
  private(set) var count = 0
  /// Connections that were closed at once.
  private(set) var closedCount = 0
  private var clients: [UInt64: Int] = [:]

  init(limit: Int) {
    self.limit = limit
    limitPerClient = max(1, limit / Limits.connectionShare)
  }

  /// Counts a new connection, unless it is to be closed.
  mutating func open(from client: IPAddress) -> Admission {
    let admission = admission(count, limit, Limits.connectionsOverLimit, .tooManyConnections(limit: limit))
      .and(
        client.isLoopback
          ? .served
          : admission(
            clients[client.host, default: 0], limitPerClient, Limits.connectionsOverShare,
            .tooManyConnectionsOfClient(limit: limitPerClient)))
    guard admission != .closed else {
      closedCount += 1
      return .closed
    }
    count += 1
    if !client.isLoopback { clients[client.host, default: 0] += 1 }
    return admission
  }

  /// A connection that was counted is closed.
  mutating func close(from client: IPAddress) {
    count -= 1
    guard !client.isLoopback, let left = clients[client.host] else { return }
    clients[client.host] = left > 1 ? left - 1 : nil
  }

  private func admission(_ count: Int, _ limit: Int, _ over: Int, _ refusal: HTTPRefusal) -> Admission {
    count < limit ? .served : count < limit + over ? .refused(refusal) : .closed
  }
}

extension ConnectionBounds.Admission {
  /// The harder of two.
  fileprivate func and(_ other: Self) -> Self {
    switch (self, other) {
    case (.closed, _), (_, .closed): .closed
    case (.served, _): other
    case (.refused, _): self
    }
  }
}
