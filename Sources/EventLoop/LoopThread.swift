import CLinux
import Glibc
public import Sockets

/// A loop on a thread of its own.
public final class LoopThread: Sendable {
  /// The loop that the thread turns.
  public let loop: EventLoop
  private let thread: pthread_t

  /// Starts a thread that turns a new loop until ``EventLoop/stop()``.
  ///
  /// - Throws: `EAGAIN` from pthread_create(3) where the bound on threads is reached, or what ``EventLoop`` throws.
  public init(name: String) throws(SocketError) {
    let loop = try EventLoop(name: name)
    self.loop = loop
    var thread = pthread_t()
    let context = Unmanaged.passRetained(loop).toOpaque()
    do throws(SocketError) {
      _ = try systemCall(.pthread_create) {
        // It returns its error (pthread_create(3)).
        errno = pthread_create(&thread, nil, { runLoop($0!) }, context)
        return errno == 0 ? 0 : -1
      }
    } catch {
      Unmanaged<EventLoop>.fromOpaque(context).release()
      throw error
    }
    _ = clinux_setname(thread, String(name.prefix(15)))
    self.thread = thread
  }

  /// Waits until the loop has stopped. Once, and not on the loop itself.
  public func join() {
    precondition(!loop.isCurrent, "a loop cannot wait for itself")
    pthread_join(thread, nil)
  }
}

private func runLoop(_ context: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
  Unmanaged<EventLoop>.fromOpaque(context).takeRetainedValue().run()
  return nil
}
