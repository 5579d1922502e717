public import Basics
import DequeModule
public import Sockets

/// The accounts of a series, as a value without a socket or a clock: it is told what was sent, what came and what the
/// time is, and says what became of each datagram.
///
/// A datagram's first copy decides: in time it is a reply or corrupted, after the deadline late, whatever it holds.
/// What was written off before, as lost or unreachable, is taken back: that something came is better evidence.
public struct ProbeSeries: Sendable {
  private enum State {
    case pending
    case received(Nanoseconds)
    case late
    case corrupted
    case lost
    case unreachable
  }

  private struct Probe {
    let sentAt: MonotonicTime
    var state = State.pending
  }

  private let payload: ProbePayload
  private let timeout: Nanoseconds
  private let remembered: Int
  /// Those that are remembered, in the order of their numbers.
  private var probes: Deque<Probe> = []
  /// The number of the first that is remembered.
  private var firstNumber: UInt64 = 1
  /// No number below is undecided.
  private var frontier: UInt64 = 1
  /// The highest number that has come back.
  private var highestReturned: UInt64 = 0

  /// What became of all so far.
  public private(set) var summary = ProbeSummary()
  /// Datagrams that have neither come back nor met their deadline.
  public private(set) var undecided = 0

  /// A series that has sent nothing yet.
  ///
  /// - Parameters:
  ///   - timeout: from a datagram's send to its deadline.
  ///   - remembered: how many datagrams are known one by one; more while they are undecided.
  public init(payload: ProbePayload, timeout: Nanoseconds, remembered: Int = Limits.rememberedProbes) {
    precondition(remembered >= 2, "a round trip is compared with the one before")
    self.payload = payload
    self.timeout = timeout
    self.remembered = remembered
  }

  /// The number of the next datagram to send, from 1.
  public var nextNumber: UInt64 { firstNumber + UInt64(probes.count) }

  /// When the first undecided datagram is lost; nil where there is none.
  public var nextDeadline: MonotonicTime? {
    undecided == 0 ? nil : probes[index(of: frontier)].sentAt + timeout
  }

  private func index(of number: UInt64) -> Int { Int(number - firstNumber) }
}

// MARK: - What happens

extension ProbeSeries {
  /// The datagram ``nextNumber`` was sent.
  public mutating func sent(at time: MonotonicTime) {
    undecided += 1
    append(Probe(sentAt: time))
  }

  /// The kernel refused to send the datagram ``nextNumber``.
  public mutating func refused(_ error: ReportedError, at time: MonotonicTime) -> ProbeLine {
    let number = nextNumber
    summary.unreachable += 1
    append(Probe(sentAt: time, state: .unreachable))
    advanceFrontier()
    return ProbeLine(number, .unreachable, error: error)
  }

  /// Something came.
  ///
  /// - Parameters:
  ///   - arrival: when, by the kernel's word.
  ///   - readAt: when it was read; taken instead where it seems to have come before it was sent, which a clock that was
  ///     set can do.
  /// - Returns: nil where it is none of these datagrams.
  public mutating func received(
    _ bytes: UnsafeRawBufferPointer, at arrival: MonotonicTime, readAt: MonotonicTime
  ) -> ProbeLine? {
    guard let number = payload.number(in: bytes), number >= firstNumber, number < nextNumber else {
      summary.unmatched += 1
      return nil
    }
    let probe = probes[index(of: number)]
    let roundTrip = (arrival < probe.sentAt ? readAt : arrival) - probe.sentAt
    let fate: ProbeLine.Fate
    switch probe.state {
    case .received, .late, .corrupted:
      summary.duplicates += 1
      fate = .duplicate
    case .pending:
      undecided -= 1
      fate = accept(number, bytes, roundTrip, mayBeInTime: true)
    case .lost:
      summary.lost -= 1
      fate = accept(number, bytes, roundTrip, mayBeInTime: false)
    case .unreachable:
      summary.unreachable -= 1
      fate = accept(number, bytes, roundTrip, mayBeInTime: true)
    }
    advanceFrontier()
    return ProbeLine(number, fate, roundTrip: roundTrip, bytes: bytes.count)
  }

  /// An error was reported; `quote` is what its message quotes of the datagram that met it, as much as there is.
  ///
  /// - Returns: nil where it decides nothing.
  public mutating func reported(_ error: ReportedError, quoting quote: UnsafeRawBufferPointer) -> ProbeLine? {
    // What does not speak of the target's reach, such as a smaller MTU, leaves the fate open.
    guard undecided > 0, RelayError(reported: error) != nil else { return nil }
    // A router may quote too little (RFC 792 asks for no payload). What was sent first is told of first, as a rule.
    let number = quote.count < 8 ? frontier : payload.number(in: quote) ?? 0
    guard number >= frontier, number < nextNumber, case .pending = probes[index(of: number)].state else { return nil }
    probes[index(of: number)].state = .unreachable
    undecided -= 1
    summary.unreachable += 1
    advanceFrontier()
    return ProbeLine(number, .unreachable, error: error)
  }

  /// Decides one datagram whose deadline has passed by `now`; nil where there is none. What has arrived must have been
  /// told before.
  public mutating func expire(at now: MonotonicTime) -> ProbeLine? {
    guard let deadline = nextDeadline, deadline <= now else { return nil }
    let number = frontier
    probes[index(of: number)].state = .lost
    undecided -= 1
    summary.lost += 1
    advanceFrontier()
    return ProbeLine(number, .lost)
  }

  /// The series is over; nothing more is told, and what was known one by one is let go.
  ///
  /// - Parameters:
  ///   - isComplete: all that was to be sent was.
  ///   - droppedHere: datagrams that our own receive buffer had no room for.
  public mutating func end(isComplete: Bool, droppedHere: Int) {
    summary.undecided = undecided
    summary.isComplete = isComplete && undecided == 0
    summary.droppedHere = droppedHere
    (probes, firstNumber) = ([], nextNumber)
  }
}

// MARK: - The books

extension ProbeSeries {
  private mutating func append(_ probe: Probe) {
    probes.append(probe)
    forget()
  }

  /// A datagram has come back for the first time.
  private mutating func accept(
    _ number: UInt64, _ bytes: UnsafeRawBufferPointer, _ roundTrip: Nanoseconds, mayBeInTime: Bool
  ) -> ProbeLine.Fate {
    if number < highestReturned { summary.reordered += 1 } else { highestReturned = number }
    let index = index(of: number)
    if !mayBeInTime || roundTrip > timeout {
      summary.late += 1
      probes[index].state = .late
      return .late
    }
    guard payload.isExact(bytes, for: number) else {
      summary.corrupted += 1
      probes[index].state = .corrupted
      return .corrupted
    }
    summary.received += 1
    probes[index].state = .received(roundTrip)
    summary.roundTrips.add(roundTrip)
    for neighbour in [index - 1, index + 1] where probes.indices.contains(neighbour) {
      if case .received(let other) = probes[neighbour].state { summary.roundTrips.addStep(roundTrip, other) }
    }
    return .reply
  }

  private mutating func advanceFrontier() {
    while frontier < nextNumber {
      if case .pending = probes[index(of: frontier)].state { break }
      frontier += 1
    }
    forget()
  }

  /// Forgets the oldest. One before an undecided datagram stays: the difference of the two may still be wanted.
  private mutating func forget() {
    while probes.count > remembered, firstNumber + 1 < frontier {
      probes.removeFirst()
      firstNumber += 1
    }
  }
}
