import Basics
import Sockets
import Synchronization

/// Who may have a feed: so many over all loops, and so many each client.
final class FeedPlaces: Sendable {
  /// How many there may be.
  let limit: Int
  private let taken = Locked(Taken())
  private let missedCount = Atomic<Int>(0)

  private struct Taken {
    var count = 0
    /// By client, an IPv4 address or IPv6 /64.
    var clients: [UInt64: Int] = [:]
  }

  /// A feed's place; it is given back with the last reference.
  final class Place: Sendable {
    private let places: FeedPlaces
    private let client: UInt64

    fileprivate init(_ places: FeedPlaces, client: UInt64) {
      self.places = places
      self.client = client
    }

    deinit {
      places.giveBack(client)
    }
  }

  init(limit: Int) {
    self.limit = limit
  }

  /// How many there are.
  var count: Int { taken.withLock { $0.count } }
  /// Datagrams that feeds were too slow for.
  var missed: Int { missedCount.load(ordering: .relaxed) }

  /// A feed was too slow for so many datagrams.
  func miss(_ count: UInt64) {
    missedCount.add(Int(count), ordering: .relaxed)
  }

  /// Takes a place for a client.
  ///
  /// - Throws: `overloaded`, which says which bound is reached.
  func take(for client: IPAddress) throws(Problem) -> Place {
    let key = client.host
    let bound = taken.withLock { taken -> Bound? in
      if taken.count >= limit { return .all }
      if taken.clients[key, default: 0] >= Limits.feedsPerClient { return .client }
      taken.count += 1
      taken.clients[key, default: 0] += 1
      return nil
    }
    guard let bound else { return Place(self, client: key) }
    throw refusal(bound)
  }

  private enum Bound { case all, client }

  private func refusal(_ bound: Bound) -> Problem {
    switch bound {
    case .all:
      let detail = "\(limit) feeds are open, which is all that are served (--max-feeds); try again in a moment"
      return Problem(.overloaded, detail, [.number("limit", limit)])
    case .client:
      let limit = Limits.feedsPerClient
      let detail = "\(limit) feeds of this address are open, which is all that one may have; try again in a moment"
      return Problem(.overloaded, detail, [.number("limit", limit)])
    }
  }

  private func giveBack(_ client: UInt64) {
    taken.withLock { taken in
      taken.count -= 1
      let left = taken.clients[client]! - 1
      taken.clients[client] = left > 0 ? left : nil
    }
  }
}
