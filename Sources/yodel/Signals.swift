import Basics
import EventLoop
import Glibc

/// Waits for SIGTERM or SIGINT, then ends what runs, in order; a second signal ends the process at once.
func untilSignalled(end: () async -> Void) async throws {
  let (signals, continuation) = AsyncStream.makeStream(of: Int32.self)
  let hasBegun = Locked(false)
  let watcher = try SignalWatcher([SIGTERM, SIGINT], on: Main.loop) { signal in
    // Both may come before anybody is told of the first.
    if hasBegun.withLock({ exchange(&$0, with: true) }) {
      SignalWatcher.unblock([signal])
      raise(signal)
    }
    continuation.yield(signal)
  }
  try await watcher.start()
  var received = signals.makeAsyncIterator()
  _ = await received.next()
  await watcher.stop()
  SignalWatcher.unblock([SIGTERM, SIGINT])
  await end()
}
