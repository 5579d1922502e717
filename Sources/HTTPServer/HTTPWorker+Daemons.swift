import Basics
import EventLoop
import Glibc
import Sockets

// A worker's daemons: which one a connection is given to, and when each is run.

extension HTTPWorker {
  /// Starts one more; false where libmicrohttpd cannot.
  func startDaemon() throws(SocketError) -> Bool {
    guard let daemon = Daemon(callbacks(), showing: certificate?.withLock { $0 }) else { return false }
    do throws(SocketError) {
      daemon.registration = try loop.register(
        daemon.epollDescriptor, for: .readable, handler: self, token: Self.token(ofDaemon: daemons.count))
    } catch {
      daemon.stop()
      throw error
    }
    daemons.append(daemon)
    return true
  }

  /// The epoll tokens of daemons are below 0; connections have their descriptors.
  private static func token(ofDaemon index: Int) -> Int { -1 - index }

  /// The daemon that an epoll token stands for; nil where it is a connection's.
  func daemon(of token: Int) -> Daemon? {
    token < 0 ? daemons[Self.token(ofDaemon: token)] : nil
  }

  /// Where a new connection goes: the first that is not full, started if need be. Where no more can be had, the one
  /// that has fewest.
  func daemonWithRoom() -> Daemon {
    if let daemon = daemons.first(where: { $0.connections.count < Limits.connectionsPerDaemon }) { return daemon }
    if daemons.count < Limits.daemonsPerLoop, (try? startDaemon()) == true { return daemons.last! }
    return daemons.min { $0.connections.count < $1.connections.count }!
  }
}

// MARK: - Turns

extension HTTPWorker {
  /// The least of ``patience``.
  static let leastPatience = Nanoseconds.milliseconds(1)
  /// The most.
  private static let mostPatience = Nanoseconds.milliseconds(50)

  func endTurn() -> MonotonicTime? {
    sweepIfDue()
    guard !daemons.isEmpty else { return nil }
    for daemon in daemons {
      if let time = daemon.runsAt, time <= loop.now { daemon.needsRun = true }
    }
    if runDaemons() { adaptPatience() }
    var wanted = load.load(ordering: .relaxed) > 0 ? nextSweep : nil
    for daemon in daemons {
      if daemon.needsRun { return loop.now }
      if let time = daemon.runsAt { wanted = min(wanted ?? time, time) }
    }
    return wanted
  }

  /// Runs those that have answers to send, so that what has begun comes to its end; then in turn those with something
  /// to read, as far as this turn's requests go.
  ///
  /// - Returns: whether one was run.
  private func runDaemons() -> Bool {
    let hasAnswered = runDaemons(from: &nextAnswering) { $0.hasAnswers }
    // However much these have begun again, others get on.
    let hasRead = runDaemons(from: &nextReading) { $0.needsRun }
    return hasAnswered || hasRead
  }

  private func runDaemons(from next: inout Int, where isDue: (Daemon) -> Bool) -> Bool {
    var hasRun = false
    requestsBegun = 0
    for _ in daemons.indices where requestsBegun < Limits.requestsPerTurn {
      let daemon = daemons[next]
      next = (next + 1) % daemons.count
      guard isDue(daemon) else { continue }
      run(daemon)
      hasRun = true
    }
    return hasRun
  }

  private func run(_ daemon: Daemon) {
    // A stream whose writer and reader keep up would go on for ever: after a few rounds others have their turn.
    for _ in 0..<Limits.runsPerTurn where daemon.needsRun {
      daemon.needsRun = false
      daemon.hasAnswers = false
      daemon.isAwaitingAnswers = false
      running = daemon
      daemon.run()
      running = nil
      daemon.endsAnswers()
      tellOfEnds(of: daemon)
      loop.runJobs()
    }
    // Only a run changes what it waits for. Asked in every turn, patience would begin anew in every turn.
    daemon.runsAt = daemon.timeout.map { .now() + max($0, leastWait(of: daemon)) }
  }

  /// Where a reply is waited for, or the client's part of a handshake, libmicrohttpd wants to be run again at once:
  /// nothing is to be had by that.
  private func leastWait(of daemon: Daemon) -> Nanoseconds {
    if daemon.isAwaitingAnswers { return patience }
    return daemon.shakingHands > 0 ? Self.leastPatience : .zero
  }

  /// A reply is read a turn after its message left, or some: under load a turn is longer than most targets take, and
  /// patience with the target must not end with the loop's own work.
  private func adaptPatience() {
    let worked = MonotonicTime.now() - loop.now
    let decayed = Nanoseconds(patience.count / 8 * 7)
    patience = min(max(Self.leastPatience, decayed, Nanoseconds(4 * worked.count)), Self.mostPatience)
  }

  /// libmicrohttpd misses an end that came with the data before it. Once it has read those it is told again: nothing
  /// else comes of shutting down what the client has shut down.
  private func tellOfEnds(of daemon: Daemon) {
    for connection in daemon.justEnded where !connection.isClosed { shutdown(connection.descriptor, Int32(SHUT_RD)) }
    daemon.justEnded.removeAll(keepingCapacity: true)
  }
}
