/// A loop as its actors have it.
///
/// What a task does outside every actor is told from what it does in one: were the loop the same executor for both,
/// the runtime would take each return from an asynchronous function for a change of executors and enqueue the task
/// anew, five times a message.
final class LoopSerialExecutor: SerialExecutor {
  /// It has this executor for as long as it lives, and actors have the loop.
  unowned(unsafe) let loop: EventLoop

  init(of loop: EventLoop) {
    self.loop = loop
  }

  func enqueue(_ job: consuming ExecutorJob) {
    loop.add(EventLoop.Job(job: UnownedJob(job), isIsolated: true))
  }

  func checkIsolated() {
    loop.assertCurrent()
  }

  func isIsolatingCurrentContext() -> Bool? {
    loop.isCurrent
  }
}
