public import Basics
import DequeModule
public import Sockets

/// Which of a loop's sockets may carry the next message, as a value without a socket or a clock.
///
/// A reply belongs to the message because its socket carries one exchange at a time. What can break that is a late
/// datagram, so a socket is used again only after a clean reply and a rest; whatever went otherwise retires it: it is
/// held, and heard, until nothing late can come to its port, and then closed. Times are measured in Benchmarks and
/// stated in ``Limits``.
public struct SocketPool {
  /// Names a socket; the owner chooses it, from 0 up, and may give it again once the socket is closed.
  public typealias SocketID = Int

  /// Which socket carries the next message.
  public enum Choice: Hashable, Sendable {
    /// One that has rested.
    case reuse(SocketID)
    /// A new one.
    case open
    /// None: all have heard something of late.
    case none
    /// None: too many are held for what this target may still send.
    case exhausted
  }

  private enum State {
    case inFlight
    case resting(since: MonotonicTime)
    case retired
  }

  private struct Destination {
    var inFlight = 0
    var retired = 0
    /// Those at rest, the longest first. One that left by another way than the front is still listed; its state tells.
    var resting: Deque<(id: SocketID, since: MonotonicTime)> = []
    /// When the target last sent what nobody waited for.
    var surplusAt: MonotonicTime?
  }

  private typealias Destinations = LatestFirst<SocketAddress, Destination>

  /// How long sockets are kept from use.
  public struct Periods: Sendable {
    /// From a clean reply to the next message.
    public var rest = Limits.rest
    /// From any other end to the closing.
    public var retirement = Limits.retirement
    /// From a target's last surplus datagram to the first early reuse of a socket of its.
    public var quiet = Limits.quietBeforeEarlyReuse
    /// From a clean reply to the closing.
    public var idle = Limits.idleSocket

    /// The periods of ``Limits``; others are for tests, which show what each is for.
    public init() {}
  }

  private let capacity: Int
  private let periods: Periods
  /// By ``SocketID``; nil where no socket has it.
  private var states: [(destination: Destinations.Place, state: State)?] = []
  /// A destination that has a socket, even one that is yet to be opened, keeps its place.
  private var destinations = Destinations()
  private var retired: Deque<(id: SocketID, until: MonotonicTime)> = []

  /// Sockets at rest now.
  public private(set) var restingCount = 0
  /// Sockets retired now.
  public var retiredCount: Int { retired.count }
  /// All sockets, those in flight included.
  public private(set) var count = 0

  /// A pool in which at most `capacity` sockets rest.
  public init(capacity: Int, periods: Periods = Periods()) {
    self.capacity = capacity
    self.periods = periods
  }

  /// Sockets are opened for a target up to here; the rest of the capacity takes up what other targets' exchanges
  /// bring back, so that their coming and going does not open and retire sockets all the time.
  private var openingLimit: Int { max(1, capacity - capacity / 8) }

  /// As many of a target's sockets may be retired; a quarter is left to the others, or a target that is silent or sends
  /// everything twice would leave them nothing. A handful is not worth dividing.
  private var retiredLimit: Int { capacity < 16 ? 2 * capacity : capacity - capacity / 4 }
}

// MARK: - A message's way

extension SocketPool {
  /// Chooses the socket for a message to `target`, and counts the message in flight.
  ///
  /// - Parameter fresh: whether the message asked for a port that none used before.
  public mutating func take(for target: SocketAddress, fresh: Bool, at now: MonotonicTime) -> Choice {
    let place = place(of: target)
    let isExhausted = destinations[place].retired >= retiredLimit
    let choice = isExhausted ? .exhausted : fresh ? .open : choice(for: place, at: now)
    switch choice {
    case .reuse(let id):
      destinations[place].resting.removeFirst()
      states[id]!.state = .inFlight
      restingCount -= 1
      destinations[place].inFlight += 1
    case .open: destinations[place].inFlight += 1
    case .none, .exhausted: break
    }
    return choice
  }

  /// Where all is that is known of a target, of which nothing may be known yet.
  private mutating func place(of target: SocketAddress) -> Destinations.Place {
    destinations.place(of: target, else: Destination())
  }

  private mutating func choice(for place: Destinations.Place, at now: MonotonicTime) -> Choice {
    guard let front = longestRested(for: place) else { return .open }
    if now - front.since >= periods.rest { return .reuse(front.id) }
    if restingCount + destinations[place].inFlight < openingLimit { return .open }
    if let surplus = destinations[place].surplusAt, now - surplus < periods.quiet { return .none }
    return .reuse(front.id)
  }

  private mutating func longestRested(for place: Destinations.Place) -> (id: SocketID, since: MonotonicTime)? {
    while let front = destinations[place].resting.first {
      if case .resting(front.since)? = states[front.id]?.state { return front }
      destinations[place].resting.removeFirst()
    }
    return nil
  }

  /// A socket was opened for the message that ``take(for:fresh:at:)`` told to open one.
  public mutating func opened(_ id: SocketID, for target: SocketAddress) {
    if id == states.count { states.append(nil) }
    precondition(states[id] == nil, "socket \(id) is in the pool already")
    states[id] = (place(of: target), .inFlight)
    count += 1
  }

  /// No socket could be opened for that message, or the one chosen could not be used.
  public mutating func abandoned(_ target: SocketAddress) {
    destinations[place(of: target)].inFlight -= 1
  }

  /// What gives way to a socket that comes to rest at capacity.
  public enum Displaced: Hashable, Sendable {
    /// It has rested enough: to be closed.
    case closed(SocketID)
    /// It may still hear something late: it is retired.
    case retired(SocketID)
  }

  /// The socket's exchange ended with its one reply; it rests. At capacity the longest rested of all gives way.
  public mutating func rest(_ id: SocketID, at now: MonotonicTime) -> Displaced? {
    let place = leaveFlight(id)
    states[id]!.state = .resting(since: now)
    destinations[place].resting.append((id, now))
    restingCount += 1
    return restingCount > capacity ? displaceLongestRested(at: now) : nil
  }

  private mutating func displaceLongestRested(at now: MonotonicTime) -> Displaced? {
    var longest: (id: SocketID, since: MonotonicTime)?
    for place in destinations.places.values {
      guard let front = longestRested(for: place) else { continue }
      if longest == nil || front.since < longest!.since { longest = front }
    }
    guard let longest else { return nil }
    guard now - longest.since >= periods.rest else {
      retire(longest.id, at: now)
      return .retired(longest.id)
    }
    restingCount -= 1
    forget(longest.id)
    return .closed(longest.id)
  }

  /// The socket may still hear something late: it is held for ``Limits/retirement``.
  public mutating func retire(_ id: SocketID, at now: MonotonicTime) {
    switch states[id]!.state {
    case .inFlight: _ = leaveFlight(id)
    case .resting: restingCount -= 1
    case .retired: preconditionFailure("socket \(id) was retired twice")
    }
    states[id]!.state = .retired
    destinations[states[id]!.destination].retired += 1
    retired.append((id, now + periods.retirement))
  }

  private mutating func leaveFlight(_ id: SocketID) -> Destinations.Place {
    guard let entry = states[id], case .inFlight = entry.state else {
      preconditionFailure("socket \(id) is not in flight")
    }
    destinations[entry.destination].inFlight -= 1
    return entry.destination
  }

  /// The target sent what nobody waited for.
  public mutating func heardSurplus(from target: SocketAddress, at now: MonotonicTime) {
    destinations[place(of: target)].surplusAt = now
  }

  /// The socket's target sent it what nobody waited for.
  ///
  /// - Returns: whether the socket rested until now; then it is retired.
  public mutating func heardSurplus(_ id: SocketID, at now: MonotonicTime) -> Bool {
    destinations[states[id]!.destination].surplusAt = now
    guard case .resting = states[id]!.state else { return false }
    retire(id, at: now)
    return true
  }
}

// MARK: - The end of a socket

extension SocketPool {
  /// A socket to close, its time being over: retired long enough, or at rest for so long that the need has passed.
  public mutating func popExpired(at now: MonotonicTime) -> (id: SocketID, wasRetired: Bool)? {
    if let first = retired.first, first.until <= now {
      retired.removeFirst()
      destinations[states[first.id]!.destination].retired -= 1
      forget(first.id)
      return (first.id, true)
    }
    for place in destinations.places.values {
      guard let front = longestRested(for: place), now - front.since >= periods.idle else { continue }
      destinations[place].resting.removeFirst()
      restingCount -= 1
      forget(front.id)
      return (front.id, false)
    }
    return nil
  }

  private mutating func forget(_ id: SocketID) {
    states[id] = nil
    count -= 1
  }

  /// Forgets the targets that have no socket and whose surplus, if any, is long past: a request may name any literal
  /// address that is allowed, and there are many.
  public mutating func forgetIdleTargets(at now: MonotonicTime) {
    for (target, place) in destinations.places {
      let destination = destinations[place]
      guard destination.inFlight + destination.retired == 0, longestRested(for: place) == nil else { continue }
      if let surplus = destination.surplusAt, now - surplus < periods.quiet { continue }
      destinations.remove(target, leaving: Destination())
    }
  }
}
