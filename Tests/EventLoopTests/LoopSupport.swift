import Basics
import EventLoop
import Glibc
import TestSupport
import Testing

/// Gives a test, on threads of its own, a loop on another, and stops that afterwards.
func withLoop(_ body: @escaping @Sendable (EventLoop) async throws -> Void) async throws {
  let thread = try LoopThread(name: "test")
  defer {
    thread.loop.stop()
    thread.join()
  }
  try await onOwnThreads { try await body(thread.loop) }
}

extension EventLoop {
  /// Does something on the loop's thread and waits for its result.
  func perform<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      submit { continuation.resume(with: Result { try work() }) }
    }
  }
}

/// What is collected from many threads, and a test that waits for it.
final class Record<Entry: Sendable>: Sendable {
  private let content = Locked<[Entry]>([])

  var entries: [Entry] { content.withLock { $0 } }

  func append(_ entry: Entry) {
    content.withLock { $0.append(entry) }
  }

  func removeAll() {
    content.withLock { $0 = [] }
  }

  /// Waits until there are at least `count` entries.
  func atLeast(_ count: Int) async throws -> [Entry] {
    try await waitUntil { self.entries.count >= count }
    return entries
  }
}

/// Waits for a condition; a test whose condition never comes fails after ten seconds.
func waitUntil(
  _ condition: () async throws -> Bool, sourceLocation: SourceLocation = #_sourceLocation
) async throws {
  try #require(await eventually(within: 10, condition), "it never came to be", sourceLocation: sourceLocation)
}

/// The calling thread, in a form that can be compared.
func currentThread() -> UInt {
  UInt(pthread_self())
}

/// A pipe, whose reading end is ready once something was written.
final class Pipe: Sendable {
  let reading: Int32
  let writing: Int32

  init() throws {
    var ends: [Int32] = [-1, -1]
    try #require(pipe2(&ends) == 0)
    reading = ends[0]
    writing = ends[1]
  }

  deinit {
    close(reading)
    close(writing)
  }

  func fill() {
    var byte: UInt8 = 1
    _ = write(writing, &byte, 1)
  }

  func empty() {
    var bytes = (UInt64(0), UInt64(0))
    _ = read(reading, &bytes, 16)
  }
}

private func pipe2(_ ends: inout [Int32]) -> Int32 {
  let status = pipe(&ends)
  for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
  return status
}

/// A handler made of a closure.
final class Handler: DescriptorHandler, TimerHandler, TurnHandler {
  private let ready: @Sendable (Readiness, Int) -> Void
  private let fired: @Sendable (Int) -> Void
  private let turned: @Sendable () -> MonotonicTime?

  init(
    ready: @escaping @Sendable (Readiness, Int) -> Void = { _, _ in },
    fired: @escaping @Sendable (Int) -> Void = { _ in },
    turned: @escaping @Sendable () -> MonotonicTime? = { nil }
  ) {
    self.ready = ready
    self.fired = fired
    self.turned = turned
  }

  func descriptorReady(_ readiness: Readiness, token: Int) {
    ready(readiness, token)
  }

  func timerFired(_ token: Int) {
    fired(token)
  }

  func turnEnds() -> MonotonicTime? {
    turned()
  }
}
