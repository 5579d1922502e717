import Basics

/// Waits until something holds; false where it does not within a time that only a failure takes.
package func eventually(within seconds: Double = 20, _ condition: () async throws -> Bool) async rethrows -> Bool {
  let deadline = MonotonicTime.now() + .seconds(seconds)
  while true {
    if try await condition() { return true }
    if MonotonicTime.now() > deadline { return false }
    try? await Task.sleep(nanoseconds: 1_000_000)
  }
}
