import Basics
package import Dispatch
package import EventLoop
import Foundation

/// Waits until something holds; false where it does not within a time that only a failure takes.
package func eventually(within seconds: Double = 20, _ condition: () async throws -> Bool) async rethrows -> Bool {
  let deadline = MonotonicTime.now() + .seconds(seconds)
  while true {
    if try await condition() { return true }
    if MonotonicTime.now() > deadline { return false }
    try? await Task.sleep(nanoseconds: 1_000_000)
  }
}

/// Runs each piece of a task on a thread of its own, so that what blocks there keeps nobody from a pool of few threads.
private final class ThreadPerJob: TaskExecutor {
  static let shared = ThreadPerJob()

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    Thread.detachNewThread { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}

/// Runs a test's body where it may block.
package func onOwnThreads<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
  try await Task(executorPreference: ThreadPerJob.shared) { try await body() }.value
}

extension EventLoop {
  /// Has the loop stand still until the gate that this answers is signalled.
  package func stand() async -> DispatchSemaphore {
    let gate = DispatchSemaphore(value: 0)
    await withCheckedContinuation { standing in
      submit {
        standing.resume()
        gate.wait()
      }
    }
    return gate
  }
}
