import CLinux
import Glibc
public import Sockets

/// Signals as events of a loop (signalfd(2)): a handler in the usual sense may do next to nothing, this one anything.
public actor SignalWatcher: LoopActor, DescriptorHandler {
  /// Where signals are told.
  public nonisolated let loop: EventLoop
  private var descriptor: Descriptor?
  private let handler: @Sendable (Int32) -> Void
  private var registration: Registration?

  /// Keeps the signals from their usual effect, in this thread and those that it starts from now on. The first thing a
  /// program does: a thread that was started before would still be ended by them.
  public static func block(_ signals: [Int32]) {
    var set = signalSet(signals)
    pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  /// Gives the signals their usual effect back, in this thread: the kernel needs one that takes them.
  public static func unblock(_ signals: [Int32]) {
    var set = signalSet(signals)
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
  }

  /// Has `handler` called on the loop with each of the signals, which must have been ``block(_:)``ed.
  public init(_ signals: [Int32], on loop: EventLoop, handler: @escaping @Sendable (Int32) -> Void) throws(SocketError)
  {
    var set = signalSet(signals)
    let flags = Int32(SFD_NONBLOCK | SFD_CLOEXEC)
    descriptor = Descriptor(owning: try systemCall(.signalfd) { signalfd(-1, &set, flags) })
    self.loop = loop
    self.handler = handler
  }

  /// Begins to watch.
  public func start() throws(SocketError) {
    guard let number = descriptor?.number else { return }
    registration = try loop.register(number, for: .readable, handler: self)
  }

  /// Watches no more, for good.
  public func stop() {
    registration.take().map { loop.deregister($0) }
    descriptor = nil
  }

  public nonisolated func descriptorReady(_ readiness: Readiness, token: Int) {
    assumeOnLoop { $0.readSignals() }
  }

  private func readSignals() {
    guard let number = descriptor?.number else { return }
    var information = signalfd_siginfo()
    let size = MemoryLayout<signalfd_siginfo>.size
    while (try? systemCall(.read) { read(number, &information, size) }) == size {
      handler(Int32(information.ssi_signo))
    }
  }
}

private func signalSet(_ signals: [Int32]) -> sigset_t {
  var set = sigset_t()
  sigemptyset(&set)
  for signal in signals { sigaddset(&set, signal) }
  return set
}
