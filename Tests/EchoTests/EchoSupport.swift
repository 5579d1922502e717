import Basics
import Dispatch
import Echo
import EventLoop
import Sockets
import Synchronization
import TestSupport
import Testing

/// Gives a test a started server over two loops, and ends both afterwards.
func withEcho(
  at places: [String], observer: EchoServer.Observer? = nil,
  _ body: @escaping @Sendable (EchoServer) async throws -> Void
) async throws {
  try await withLoops(2) { loops in
    let addresses = try places.map { try #require(SocketAddress($0)) }
    let server = try EchoServer(on: loops, addresses: addresses, observer: observer)
    try await server.start()
    try await body(server)
    await server.stop()
  }
}

/// Gives a test, on threads of its own, loops on theirs, and stops them afterwards.
func withLoops(_ count: Int, _ body: @escaping @Sendable ([EventLoop]) async throws -> Void) async throws {
  let threads = try (0..<count).map { try LoopThread(name: "echo-\($0)") }
  defer {
    for thread in threads {
      thread.loop.stop()
      thread.join()
    }
  }
  let loops = threads.map(\.loop)
  try await onOwnThreads { try await body(loops) }
}

/// Waits for a condition; a test whose condition never comes fails after ten seconds.
func waitUntil(
  sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
  let deadline = MonotonicTime.now() + .seconds(10)
  while !(try await condition()) {
    try #require(MonotonicTime.now() < deadline, "it never came to be", sourceLocation: sourceLocation)
    try await Task.sleep(nanoseconds: 1_000_000)
  }
}

extension EchoCounters {
  /// What the API promises of them.
  var isBalanced: Bool {
    received + duplicated == echoed + held + dropped.values.reduce(0, +)
  }
}

extension EventLoop {
  /// Lets the loop turn until what had come before this call is seen to.
  func settle() async {
    for _ in 0..<3 { await withCheckedContinuation { continuation in submit { continuation.resume() } } }
  }
  /// Has the loop stand still until the gate that this answers is signalled.
  func stand() async -> DispatchSemaphore {
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
