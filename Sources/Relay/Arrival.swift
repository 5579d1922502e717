import Basics
import Sockets

/// When the kernel received a datagram, on our clock, and when it was read.
///
/// The stamp is of the wall clock, so its age is taken, and the wall clock is read first: whatever comes between makes
/// the arrival later than it was, never earlier. Where the clock was set between arrival and receipt, a reply may seem
/// older than its message, or to come from the future; then it is not believed.
struct Arrival {
  /// When it was received; before all time where the stamp cannot be believed.
  let time: MonotonicTime
  /// When it was read.
  let readAt: MonotonicTime

  init(_ stamp: WallTime?, wallTime: () -> WallTime, monotonicTime: () -> MonotonicTime) {
    guard let stamp else {
      readAt = monotonicTime()
      time = readAt
      return
    }
    let age = wallTime() - stamp
    readAt = monotonicTime()
    time = age < Limits.unbelievableAge ? MonotonicTime(nanoseconds: .min) : readAt - max(.zero, age)
  }

  /// Of a datagram whose times are known.
  init(time: MonotonicTime, readAt: MonotonicTime) {
    self.time = time
    self.readAt = readAt
  }
}
