import Basics
import EventLoop
import Glibc

/// Waits for SIGTERM or SIGINT, then ends what runs, in order; a second signal ends the process at once. SIGHUP, until
/// then, has `reload` called, where there is one.
func untilSignalled(reload: (() async -> Void)? = nil, end: () async -> Void) async throws {
  let (signals, continuation) = AsyncStream.makeStream(of: Int32.self)
  let hasBegun = Locked(false)
  let watcher = try SignalWatcher([SIGTERM, SIGINT] + (reload == nil ? [] : [SIGHUP]), on: Main.loop) { signal in
    if signal == SIGHUP { return _ = continuation.yield(signal) }
    // Both may come before anybody is told of the first.
    if hasBegun.withLock({ exchange(&$0, with: true) }) {
      SignalWatcher.unblock([signal])
      raise(signal)
    }
    continuation.yield(signal)
  }
  try await watcher.start()
  var received = signals.makeAsyncIterator()
  while await received.next() == SIGHUP { await reload?() }
  await watcher.stop()
  SignalWatcher.unblock([SIGTERM, SIGINT])
  await end()
}
