import Basics

// What is looked at every now and then: deadlines of connections, and whether a drain is done.

extension HTTPWorker {
  /// The end of serving, while what has begun is brought to its end.
  struct Drain {
    /// Until when a connection that never sent a request may send its first.
    var graceEnds: MonotonicTime
    var waiters: [UnsafeContinuation<Void, Never>] = []
  }

  /// libmicrohttpd's own timeout is one of inactivity: a byte now and then would hold a connection for ever.
  func sweepIfDue() {
    guard loop.now >= nextSweep else { return }
    nextSweep = loop.now + Limits.deadlineSweep
    for case let connection? in connections {
      guard let deadline = connection.deadline, deadline <= loop.now else { continue }
      cut(connection)
    }
    if drain != nil { checkDrained() }
  }

  /// Answers what comes on kept-alive connections with a 503 from now on, and ends each connection with its answer.
  func beginDraining() {
    loop.assertCurrent()
    guard drain == nil else { return }
    drain = Drain(graceEnds: .now() + Limits.drainGrace)
    // What would go on for ever is told to come to its end.
    for connection in connections { connection?.stream?.task?.cancel() }
    // A client that does not read its answer, or stops amid its request, is not waited for.
    for case let connection? in connections {
      switch connection.phase {
      case .sending:
        connection.deadline = loop.now + (connection.isEndless ? Limits.deadlineSweep : Limits.drainSending)
      case .target: hurryHead(of: connection)
      case .body, .refused: connection.deadline = loop.now + bodyDeadline
      case .waiting, .responding, .answered: break
      }
    }
  }

  /// How long the rest of a body may take.
  var bodyDeadline: Nanoseconds {
    drain == nil ? deadlines.body : min(deadlines.body, Limits.drainSending)
  }

  /// Gives a head that has begun no longer than a drain gives one that has not.
  func hurryHead(of connection: HTTPConnection) {
    guard let drain else { return }
    connection.deadline = min(connection.deadline ?? drain.graceEnds, max(drain.graceEnds, loop.now))
  }

  /// Waits until every request that was accepted has its answer. From any thread.
  func drained() async {
    await Task(executorPreference: loop) { await self.whenDrained() }.value
  }

  private func whenDrained() async {
    beginDraining()
    await withUnsafeContinuation { waiter in
      drain!.waiters.append(waiter)
      checkDrained()
    }
  }

  func checkDrained() {
    guard let drain, !drain.waiters.isEmpty, requestsUnderWay == 0,
      silentConnections == 0 || loop.now >= drain.graceEnds
    else { return }
    self.drain!.waiters = []
    for waiter in drain.waiters { waiter.resume() }
  }
}
