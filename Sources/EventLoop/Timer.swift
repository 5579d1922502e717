public import Basics

/// Who is to be told when a timer of a loop is due.
public struct Timer {
  let handler: any TimerHandler
  let token: Int
}

extension EventLoop {
  /// Names one timer of a loop.
  public typealias TimerID = TimerQueue<Timer>.ID

  /// Has `handler` told at `deadline` or just after (before Linux 5.11 up to a millisecond), unless it is cancelled
  /// before.
  public func schedule(at deadline: MonotonicTime, handler: consuming any TimerHandler, token: Int = 0) -> TimerID {
    assertCurrent()
    return timers.insert(Timer(handler: handler, token: token), at: deadline)
  }

  /// Takes a timer back; one that has fired is none of its business any more.
  public func cancel(_ timer: TimerID) {
    assertCurrent()
    timers.cancel(timer)
  }
}
