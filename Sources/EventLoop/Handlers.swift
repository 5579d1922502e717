public import Basics

/// Is told what became of a descriptor, on the loop's thread.
///
/// It is `Sendable`, as actors are: the loop keeps it, and its state is its own business.
public protocol DescriptorHandler: AnyObject, Sendable {
  /// The descriptor that was registered with `token` is ready. It may have been used up meanwhile: a read that finds
  /// nothing is no error.
  func descriptorReady(_ readiness: Readiness, token: Int)
}

/// Is told that a timer is due, on the loop's thread.
public protocol TimerHandler: AnyObject, Sendable {
  /// The timer that was scheduled with `token` is due, or was some microseconds ago.
  func timerFired(_ token: Int)
}

/// Is told that a turn ends: every event and job of it is done.
public protocol TurnHandler: AnyObject, Sendable {
  /// The turn ends; answers until when the loop may sleep at most, nil for as long as it likes.
  func turnEnds() -> MonotonicTime?
}
