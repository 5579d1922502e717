import Glibc

/// A value that threads share, behind a lock (pthread_mutex_lock(3p)).
///
/// Not `Synchronization.Mutex`: on Linux that is made of atomics which the thread sanitizer does not see, so everything
/// behind it would be reported.
///
/// `@unchecked Sendable`: the value is only reached while the lock is held.
public final class Locked<Value: Sendable>: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private var value: Value

  /// A value that nobody else has yet.
  public init(_ value: Value) {
    self.value = value
    mutex.initialize(to: pthread_mutex_t())
    let status = pthread_mutex_init(mutex, nil)
    precondition(status == 0, "a lock cannot be made: \(status)")
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  /// Lends the value to one thread at a time. `body` must not come here again, and should be short.
  public func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&value)
  }
}
