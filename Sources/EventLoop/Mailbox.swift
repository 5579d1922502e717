import Basics
import CLinux
import Glibc
import Sockets

/// What other threads give a loop, and the eventfd(2) that wakes it.
final class Mailbox: Sendable {
  private struct Content {
    var jobs: [EventLoop.Job] = []
    var works: [@Sendable () -> Void] = []
    /// The loop is to end. No work that says so: a loop that never ran would keep it, and it the loop.
    var stops = false
    /// The loop has been woken and has not looked yet: one write(2) serves all who come meanwhile.
    var isSignalled = false
  }

  private let content = Locked(Content())
  private let event: Descriptor

  var descriptor: Int32 { event.number }

  init() throws(SocketError) {
    let flags = Int32(EFD_NONBLOCK | EFD_CLOEXEC)
    event = Descriptor(owning: try systemCall(.eventfd) { eventfd(0, flags) })
  }

  func post(_ job: EventLoop.Job) {
    post { $0.jobs.append(job) }
  }

  func post(_ work: @escaping @Sendable () -> Void) {
    post { $0.works.append(work) }
  }

  func postStop() {
    post { $0.stops = true }
  }

  private func post(_ put: (inout Content) -> Void) {
    let mustWake = content.withLock { content in
      put(&content)
      defer { content.isSignalled = true }
      return !content.isSignalled
    }
    if mustWake { wake() }
  }

  /// Ends the loop's sleep, or its next one.
  func wake() {
    var one: UInt64 = 1
    // A full counter (EAGAIN) has woken the loop as well; without a waking it looks within Limits.longestWait.
    _ = try? systemCall(.write) { write(event.number, &one, MemoryLayout<UInt64>.size) }
  }

  /// Takes the wake-up away, before the content is looked at.
  func acknowledge() {
    var count: UInt64 = 0
    _ = try? systemCall(.read) { read(event.number, &count, MemoryLayout<UInt64>.size) }
  }

  /// Does the works, in the order in which they came, and hands on the jobs.
  ///
  /// - Returns: whether the loop is to end.
  func deliver(_ enqueue: (EventLoop.Job) -> Void) -> Bool {
    let taken = content.withLock { content -> Content? in
      guard content.isSignalled else { return nil }
      defer { content = Content() }
      return content
    }
    guard let taken else { return false }
    for work in taken.works { work() }
    for job in taken.jobs { enqueue(job) }
    return taken.stops
  }
}
