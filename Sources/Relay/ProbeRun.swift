import Basics
import EventLoop
import Sockets

/// A series at work: its socket, its schedule and its accounts. It belongs to its prober's loop.
final class ProbeRun {
  typealias Waiter = UnsafeContinuation<Void, Never>

  let socket: ProbeSocket
  let plan: ProbePlan
  let payload: ProbePayload
  let start: MonotonicTime
  let onEnd: @Sendable (ProbeSummary) -> Void
  private(set) var isOver = false
  var series: ProbeSeries
  /// The datagram that is being sent, in room that is made once.
  var datagram: [UInt8]
  /// Before which no other leaves, where the plan has no interval.
  private var earliest: MonotonicTime
  /// Since when the kernel has had no room for a datagram that is due.
  var waitsForRoomSince: MonotonicTime?
  /// When all was sent and decided: what came by then still counts.
  var decidedAt: MonotonicTime?

  /// What has become known and was not taken yet.
  private(set) var lines: [ProbeLine] = []
  private var listedDuplicates = 0
  private var waiter: Waiter?

  init(
    _ plan: ProbePlan, on socket: ProbeSocket, tag: UInt32, from start: MonotonicTime,
    onEnd: @escaping @Sendable (ProbeSummary) -> Void
  ) {
    self.plan = plan
    self.socket = socket
    self.start = start
    earliest = start
    self.onEnd = onEnd
    payload = ProbePayload(size: plan.size, tag: tag)
    series = ProbeSeries(payload: payload, timeout: plan.timeout)
    datagram = [UInt8](repeating: 0, count: plan.size)
  }

  /// How many datagrams were sent, or could not be.
  var attempted: Int { Int(series.nextNumber - 1) }

  /// When the next datagram is to leave; nil where there is none, or none yet.
  var nextDue: MonotonicTime? {
    plan.nextDue(after: attempted, isUndecided: series.undecided > 0, earliest: earliest, from: start)
  }

  /// The next datagram has left.
  func sent(at time: MonotonicTime) {
    series.sent(at: time)
    waitsForRoomSince = nil
    earliest = time + plan.gap
  }

  /// The kernel refused the next datagram; it need not be asked again at once.
  func refused(_ error: SocketError, at time: MonotonicTime) {
    note(series.refused(ReportedError(errno: error.errno), at: time))
    waitsForRoomSince = nil
    earliest = time + max(plan.gap, Limits.probeRetry)
  }

  /// Nothing more is sent, and nothing that comes counts.
  func end() {
    isOver = true
    series.end(isComplete: plan.isComplete(after: attempted), droppedHere: socket.socket.droppedDatagrams())
    onEnd(series.summary)
    tell()
  }

  /// Keeps a line for whoever takes them.
  func note(_ line: ProbeLine?) {
    guard let line else { return }
    if line.fate == .duplicate, let limit = plan.listedDuplicates {
      listedDuplicates += 1
      if listedDuplicates > limit { return }
    }
    lines.append(line)
  }

  /// Hands over what has become known.
  func takeLines() -> [ProbeLine] {
    defer { lines = [] }
    return lines
  }

  /// Resumes `waiter` when there is something to take, or nothing to come.
  func wait(_ waiter: Waiter) {
    precondition(self.waiter == nil, "a series has one reader")
    self.waiter = waiter
    tell()
  }

  /// Lets the reader know, if there is news.
  func tell() {
    if !lines.isEmpty || isOver { waiter.take()?.resume() }
  }
}
