import EventLoop
import Glibc

/// Waits for SIGTERM or SIGINT, then ends what runs, in order; a second signal ends the process at once.
func untilSignalled(end: () async -> Void) async throws {
  let (signals, continuation) = AsyncStream.makeStream(of: Int32.self)
  let watcher = try SignalWatcher([SIGTERM, SIGINT], on: Main.loop) { continuation.yield($0) }
  try await watcher.start()
  var received = signals.makeAsyncIterator()
  _ = await received.next()
  await watcher.stop()
  SignalWatcher.unblock([SIGTERM, SIGINT])
  await end()
}
