import Echo
import EventLoop
import Sockets
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
  try #require(await eventually(within: 10, condition), "it never came to be", sourceLocation: sourceLocation)
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
}
