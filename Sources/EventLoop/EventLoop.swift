import Basics
import Glibc
import Sockets
import Synchronization

/// One thread, one epoll, and everything that runs there: descriptors, timers, and the jobs of Swift's tasks.
///
/// An actor whose `unownedExecutor` is a loop keeps its state on the loop's thread, without a lock; a task that
/// starts with the loop as its executor preference never leaves it. A job that is enqueued on the thread itself goes
/// to a plain array, one from elsewhere through a mailbox and an eventfd(2).
///
/// A turn is: wait, tell the ready descriptors and due timers, run the jobs, end the turn. What many events of one
/// turn have in common is done once, by a ``TurnHandler``, at its end.
///
/// `@unchecked Sendable`: the mailbox is behind a mutex and the health mark is atomic; everything else is touched on
/// the loop's own thread alone, which every entry checks.
public final class EventLoop: @unchecked Sendable {
  /// What it is called in thread lists; 15 characters at most (pthread_setname_np(3)).
  public let name: String

  let poller: Poller
  let mailbox: Mailbox
  var timers = TimerQueue<Timer>()
  private var jobs: [Job] = []
  /// What actors of this loop run on. It is set by the initialiser and never again.
  private var serial: LoopSerialExecutor!
  private var turnHandlers: [any TurnHandler] = []
  private var isStopping = false
  private let thread = Atomic<UInt>(0)
  private let turnedAt = Atomic<Int64>(MonotonicTime.now().nanoseconds)

  /// The time at which this turn began: every event of a turn has the same, and the clock is read once.
  public private(set) var now = MonotonicTime.now()

  /// A loop that does not run yet; what is sent to it waits.
  ///
  /// - Throws: `EMFILE`, `ENFILE`, `ENOMEM` from epoll_create1(2) or eventfd(2).
  public init(name: String) throws(SocketError) {
    self.name = name
    poller = try Poller()
    mailbox = try Mailbox()
    try poller.watchWakeups(of: mailbox.descriptor)
    serial = LoopSerialExecutor(of: self)
  }

  deinit {
    precondition(thread.load(ordering: .relaxed) == 0, "the loop '\(name)' ended while its thread ran")
  }

  /// Whether the caller runs on the loop's thread.
  public var isCurrent: Bool {
    thread.load(ordering: .relaxed) == UInt(pthread_self())
  }

  /// Traps unless the caller runs on the loop's thread.
  public func assertCurrent() {
    precondition(isCurrent, "this belongs on the thread of the loop '\(name)'")
  }

  /// How long ago the last turn began; past ``Limits/unhealthyAfter`` something blocks the loop. From any thread.
  public var sinceLastTurn: Nanoseconds {
    MonotonicTime.now() - MonotonicTime(nanoseconds: turnedAt.load(ordering: .relaxed))
  }

  /// Has `handler` told of every turn's end from now on.
  public func addTurnHandler(_ handler: any TurnHandler) {
    assertCurrent()
    turnHandlers.append(handler)
  }

  /// Ends a handler's part in the turns.
  public func removeTurnHandler(_ handler: any TurnHandler) {
    assertCurrent()
    turnHandlers.removeAll { $0 === handler }
  }
}

// MARK: - Turning

extension EventLoop {
  /// Turns until ``stop()``, on the calling thread.
  public func run() {
    let previous = thread.exchange(UInt(pthread_self()), ordering: .relaxed)
    precondition(previous == 0, "the loop '\(name)' runs already")
    mailbox.wake()
    while !isStopping { turn() }
    // What the last turn gave rise to is done; nothing is waited for any more.
    _ = endTurn()
    // Who is told of descriptors and timers mostly keeps the loop: they let go of each other here.
    poller.removeAll()
    timers = TimerQueue()
    turnHandlers = []
    thread.store(0, ordering: .relaxed)
  }

  /// Ends ``run()``, after what was given to the loop before. From any thread.
  public func stop() {
    mailbox.postStop()
  }

  private func turn() {
    runJobs()
    let deadline = endTurn()
    let count = poller.wait(until: deadline)
    now = .now()
    turnedAt.store(now.nanoseconds, ordering: .relaxed)
    for index in 0..<count { poller.deliver(index, mailbox: mailbox) }
    while let timer = timers.popDue(at: now) { timer.handler.timerFired(timer.token) }
    isStopping = mailbox.deliver { jobs.append($0) }
  }

  /// Lets every handler end the turn, again if that gave rise to jobs; answers until when the loop may sleep.
  private func endTurn() -> MonotonicTime {
    var deadline: MonotonicTime
    repeat {
      runJobs()
      deadline = MonotonicTime.now() + Limits.longestWait
      for handler in turnHandlers {
        if let wanted = handler.turnEnds() { deadline = min(deadline, wanted) }
      }
    } while !jobs.isEmpty
    if let timer = timers.nextDeadline { deadline = min(deadline, timer) }
    return deadline
  }

  /// Runs the jobs that wait on the loop, and those that they enqueue, until none waits.
  ///
  /// A job may call this again: what waits is taken away before it runs.
  public func runJobs() {
    assertCurrent()
    while !jobs.isEmpty {
      var batch: [Job] = []
      swap(&batch, &jobs)
      for job in batch { run(job) }
      if jobs.isEmpty, jobs.capacity < batch.capacity {
        batch.removeAll(keepingCapacity: true)
        swap(&batch, &jobs)
      }
    }
  }
}

// MARK: - Executor

extension EventLoop: TaskExecutor {
  /// A piece of a task.
  struct Job {
    let job: UnownedJob
    /// It belongs to an actor of the loop, and not just to a task that prefers the loop.
    let isIsolated: Bool
  }

  public func enqueue(_ job: consuming ExecutorJob) {
    add(Job(job: UnownedJob(job), isIsolated: false))
  }

  func add(_ job: Job) {
    if isCurrent { jobs.append(job) } else { mailbox.post(job) }
  }

  private func run(_ job: Job) {
    if job.isIsolated {
      job.job.runSynchronously(isolatedTo: serialExecutor, taskExecutor: asUnownedTaskExecutor())
    } else {
      job.job.runSynchronously(on: asUnownedTaskExecutor())
    }
  }

  /// What actors of this loop run on.
  public var serialExecutor: UnownedSerialExecutor { serial.asUnownedSerialExecutor() }

  /// Does something on the loop's thread in a coming turn. From any thread.
  public func submit(_ work: @escaping @Sendable () -> Void) {
    mailbox.post(work)
  }

  /// Does something on the loop's thread, at once where the caller is there, and answers what came of it. From any
  /// thread.
  ///
  /// A task of its own goes there. A continuation would be enough, but where it is resumed before its task has gone to
  /// sleep the thread sanitizer sees nothing of the order between the two threads, and takes the task's memory for
  /// shared.
  public func execute<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
    if isCurrent { return work() }
    return await Task(executorPreference: self) { work() }.value
  }
}
