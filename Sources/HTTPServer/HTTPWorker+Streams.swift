import CMicroHTTPD

// An answer whose bytes come with time: its producer is a task on this loop, which waits while nobody reads.

extension HTTPWorker {
  /// libmicrohttpd asks for bytes: for the first time only when the head is sent, and not at all for HEAD.
  func read(_ body: StreamingBody, into room: UnsafeMutablePointer<CChar>, _ count: Int) -> Int {
    if body.task == nil { start(body) }
    let taken = body.take(into: room, count)
    if taken > 0 { return taken }
    switch body.end {
    case .complete: return CMHD_END_OF_STREAM
    case .failed: return CMHD_END_WITH_ERROR
    case .gone:
      mutesNextLine = true
      return CMHD_END_WITH_ERROR
    case nil:
      // Left unsuspended it would be asked again at once, for ever.
      suspend(body.connection)
      return 0
    }
  }

  private func start(_ body: StreamingBody) {
    body.task = Task.immediate(executorPreference: loop) { [self] in
      do {
        try await body.produce(HTTPBodyWriter(worker: self, body: body))
        finish(body, .complete)
      } catch {
        finish(body, .failed)
      }
    }
  }

  private func finish(_ body: StreamingBody, _ end: StreamingBody.End) {
    loop.assertCurrent()
    guard !body.isClosed, body.end == nil else { return }
    body.end = end
    resume(body.connection)
  }

  /// Adds bytes of a producer; answers when there is room for more, false when the client has gone. From any thread.
  func write(_ bytes: [UInt8], through writer: HTTPBodyWriter) async -> Bool {
    await withUnsafeContinuation { waiter in
      if loop.isCurrent { return write(bytes, to: writer.body, waiter) }
      loop.submit { self.write(bytes, to: writer.body, waiter) }
    }
  }

  private func write(_ bytes: [UInt8], to body: StreamingBody, _ waiter: UnsafeContinuation<Bool, Never>) {
    guard !body.isClosed else { return waiter.resume(returning: false) }
    body.append(bytes)
    resume(body.connection)
    if body.hasRoom { waiter.resume(returning: true) } else { body.waitForRoom(waiter) }
  }
}
