import Basics
import EventLoop
import Glibc
import Sockets

/// The service manager that started this program and wants to hear how it is (sd_notify(3), sd_watchdog_enabled(3)).
actor ServiceManager: LoopActor {
  nonisolated let loop: EventLoop
  private let socket: NotifySocket
  private let watchdogPause: Nanoseconds?
  private let complain: @Sendable (String) -> Void
  private var watched: (@Sendable () -> (name: String, since: Nanoseconds)?)?
  private var isStuck = false

  private static let variables = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]

  /// Nil where none wants to hear, or where it cannot be reached. Nobody finds the variables afterwards.
  ///
  /// - Parameter complain: is told what goes wrong.
  static func take(
    _ environment: [String: String], on loop: EventLoop, complain: @escaping @Sendable (String) -> Void
  ) -> ServiceManager? {
    defer { for variable in variables { unsetenv(variable) } }
    guard let address = environment["NOTIFY_SOCKET"] else { return nil }
    do throws(SocketError) {
      let pause = watchdogPause(environment, process: getpid())
      return try ServiceManager(NotifySocket(address: address), on: loop, watchdogPause: pause, complain: complain)
    } catch {
      complain("the service manager cannot be told anything (NOTIFY_SOCKET '\(address)'): \(error)")
      return nil
    }
  }

  init(
    _ socket: consuming NotifySocket, on loop: EventLoop, watchdogPause: Nanoseconds?,
    complain: @escaping @Sendable (String) -> Void
  ) {
    self.socket = socket
    self.loop = loop
    self.watchdogPause = watchdogPause
    self.complain = complain
  }

  /// Half of what the manager waits for a sign of life; nil where it waits for none, or for another process's.
  static func watchdogPause(_ environment: [String: String], process: pid_t) -> Nanoseconds? {
    guard let limit = environment["WATCHDOG_USEC"].flatMap(Int64.init), (2...Int64.max / 1000).contains(limit),
      environment["WATCHDOG_PID"].map({ pid_t($0) == process }) ?? true
    else { return nil }
    return Nanoseconds(limit * 1000 / 2)
  }

  /// The program serves, after its start or after ``reloading()``.
  func ready(_ status: String) {
    tell("READY=1\nSTATUS=\(status)")
  }

  /// The program reads its configuration anew; ``ready(_:)`` ends that.
  func reloading() {
    tell("RELOADING=1\nMONOTONIC_USEC=\(MonotonicTime.now().nanoseconds / 1000)")
  }

  /// The program ends, and may take `span` for that.
  func stopping(_ status: String, within span: Nanoseconds) {
    tell("STOPPING=1\nSTATUS=\(status)\nEXTEND_TIMEOUT_USEC=\(span.count / 1000)")
  }

  /// Gives a sign of life in the manager's rhythm, where it asks for one, while no loop is stuck.
  ///
  /// - Parameter stuckLoop: the loop that something blocks, and for how long.
  func watch(_ stuckLoop: @escaping @Sendable () -> (name: String, since: Nanoseconds)?) {
    watched = stuckLoop
    giveSign()
  }

  private func giveSign() {
    guard let watchdogPause, let watched else { return }
    _ = loop.schedule(at: .now() + watchdogPause, handler: self)
    guard let stuck = watched() else {
      isStuck = false
      return tell("WATCHDOG=1")
    }
    if !isStuck {
      complain("the event loop '\(stuck.name)' does not turn: the service manager's watchdog gets no sign of life")
    }
    isStuck = true
  }

  private func tell(_ message: String) {
    do throws(SocketError) { try socket.send(message) } catch {
      complain("the service manager was not told \(message.prefix { $0 != "\n" }): \(error)")
    }
  }
}

extension ServiceManager: TimerHandler {
  nonisolated func timerFired(_ token: Int) {
    assumeOnLoop { $0.giveSign() }
  }
}
