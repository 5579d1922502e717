import Basics
import CMicroHTTPD
import Glibc

// A request's way: its head is guarded and admitted, its body gathered, its answer found by the application, queued.

extension HTTPWorker {
  /// libmicrohttpd calls for the head, for each piece of the body (see ``receive(_:for:)``), when all is read, and
  /// again when an answer that took its time is there.
  func continueRequest(
    _ connection: HTTPConnection, _ handle: OpaquePointer,
    method: UnsafePointer<CChar>, version: UnsafePointer<CChar>
  ) -> MHD_Result {
    if case .responding(let since) = connection.phase {
      if loop.now - since < patience { connection.daemon!.isAwaitingAnswers = true } else { suspend(connection) }
      return .YES
    }
    // What a phase holds is handed on, and not copied to be looked at: each phase is followed by another.
    switch exchange(&connection.phase, with: .sending) {
    case .target(let target, let place):
      let layout = HeadLayout(method: method, target: place, version: version)
      return begin(connection, handle, HTTPMethod(method), target, HTTPVersion(version), layout)
    case .body(let head, let destination):
      if let response = refusedTrailer(of: connection, handle) { return queue(response, on: connection, handle) }
      let body = exchange(&connection.body, with: [])
      let request = HTTPRequest(head: head, destination: destination, body: body)
      return respond(to: request, on: connection, handle)
    case .refused(let response):
      return queue(refusedTrailer(of: connection, handle) ?? response, on: connection, handle)
    case .answered(let response):
      connection.daemon!.takesAnswer()
      return queue(response, on: connection, handle)
    case .waiting, .responding, .sending:
      preconditionFailure("libmicrohttpd asked for an answer to a request that it has not read")
    }
  }

  // MARK: Head

  private func begin(
    _ connection: HTTPConnection, _ handle: OpaquePointer, _ method: HTTPMethod, _ target: consuming String,
    _ version: HTTPVersion, _ layout: HeadLayout
  ) -> MHD_Result {
    // The target alone was too much.
    if connection.isAnsweredPast { return .NO }
    var received = ReceivedFields(layout: layout)
    received.read(from: handle)
    let refusedLayout = refusedLayout(received.layout!, of: connection, handle)
    connection.isHead = method == .head
    let headerGuard = received.guarded(method, target, version)
    if let refusal = headerGuard.refusal() ?? refusedLayout {
      let response = closing(application.refuse(refusal))
      // What libmicrohttpd has left of its memory may be too little for an answer's head.
      if case .headTooLarge = refusal { sendAtOnce(response, on: connection) }
      return queue(response, on: connection, handle)
    }
    guard let head = headerGuard.head(from: connection.peer) else {
      let refusal = HTTPRefusal.malformed("an escape in the request target is broken, or stands for NUL or a slash")
      return queue(closing(application.refuse(refusal)), on: connection, handle)
    }
    connection.deadline = loop.now + (connection.hasEnded ? Limits.endedDeadline : bodyDeadline)
    return bodyBegins(head, on: connection, handle)
  }

  private func refusedLayout(
    _ layout: HeadLayout, of connection: HTTPConnection, _ handle: OpaquePointer
  ) -> HTTPRefusal? {
    guard HeadLayout.isNeeded else { return nil }
    guard connection.origin.isAcceptable(layout.start) else {
      return .malformed("there is something before the request line")
    }
    guard layout.isExact(size: cmhd_head_size(handle)) else {
      return .malformed("a line of the head is folded, holds a NUL, or does not end in CR and LF")
    }
    return nil
  }

  /// What the application has against the head comes first, then the size of the body, then the state that the server
  /// is in. An answer waits until a body of bearable size has been read, so that the connection can go on, unless the
  /// client asked beforehand.
  private func bodyBegins(
    _ head: consuming HTTPRequestHead, on connection: HTTPConnection, _ handle: OpaquePointer
  ) -> MHD_Result {
    let length = head.fields.withValue(of: "Content-Length") { UInt64(digits: $0) ?? 0 } ?? 0
    let isTooLarge = length > Limits.requestBody
    let asksBeforehand = head.fields.contains("Expect")
    connection.isChunked = length == 0 && head.fields.contains("Transfer-Encoding")
    // libmicrohttpd takes bare line feeds between chunks (before 1.0), miscounts their extensions (1.0.1), and we see
    // none of it: a proxy could find another end of such a body, so nothing that it sends may come after it.
    connection.isLast = connection.isChunked && head.isForwarded || head.fields.has("close", in: "Connection")
    let refusal = refusalByState(of: connection)
    let response: HTTPResponse
    switch application.admit(head) {
    case .answered(let answer): response = answer
    case .admitted where isTooLarge: response = application.refuse(.bodyTooLarge(limit: Limits.requestBody))
    case .admitted(let destination):
      guard let refusal else {
        connection.phase = .body(head, destination: destination)
        return .YES
      }
      response = application.refuse(refusal)
    }
    if isTooLarge || (asksBeforehand && length > 0) { return queue(closing(response), on: connection, handle) }
    // A connection that the server would be rid of ends, whatever its request is answered.
    connection.phase = .refused(refusal == nil ? response : closing(response))
    return .YES
  }

  private func refusalByState(of connection: HTTPConnection) -> HTTPRefusal? {
    if let refusal = connection.refusal { return refusal }
    // A connection that was still queued when the draining began has been promised an answer.
    if let drain, connection.requests > 0 || loop.now >= drain.graceEnds { return .draining }
    return nil
  }

  private func refusedTrailer(of connection: HTTPConnection, _ handle: OpaquePointer) -> HTTPResponse? {
    guard connection.isChunked else { return nil }
    var received = ReceivedFields()
    received.read(.FOOTER_KIND, from: handle)
    return HeaderGuard.refusal(of: received.fields).map { closing(application.refuse($0)) }
  }

  // MARK: Body

  /// A piece of the body has come.
  func receive(_ piece: UnsafeRawBufferPointer, for connection: HTTPConnection) {
    switch connection.phase {
    case .body:
      guard connection.body.count + piece.count <= Limits.requestBody else {
        return discard(piece, for: connection, because: .bodyTooLarge(limit: Limits.requestBody))
      }
      guard status.buffer(piece.count) else {
        return discard(piece, for: connection, because: .bodiesTooLarge(limit: Limits.bufferedBodies))
      }
      connection.bufferedBytes += piece.count
      connection.body.append(contentsOf: piece)
    case .refused: discard(piece, for: connection, because: nil)
    default: preconditionFailure("a body came in the phase \(connection.phase)")
    }
  }

  /// Throws a piece away, so that the client hears the refusal at the end; but not for ever.
  private func discard(
    _ piece: UnsafeRawBufferPointer, for connection: HTTPConnection, because refusal: HTTPRefusal?
  ) {
    connection.discarded += piece.count + connection.body.count
    releaseBody(of: connection)
    if let refusal { connection.phase = .refused(closing(application.refuse(refusal))) }
    if connection.discarded > Limits.discardedBody { cut(connection) }
  }

  private func releaseBody(of connection: HTTPConnection) {
    guard connection.bufferedBytes > 0 else { return }
    status.unbuffer(connection.bufferedBytes)
    connection.bufferedBytes = 0
    connection.body = []
  }

  // MARK: Answer

  /// Has the application answer. What it can answer at once is queued at once.
  ///
  /// Suspending a connection costs two epoll_ctl(2) and a read that finds nothing, a tenth of a message's time. Most
  /// replies are there some turns later, so a connection is suspended only when libmicrohttpd asks again after
  /// ``patience`` and the answer is still missing.
  private func respond(
    to request: HTTPRequest, on connection: HTTPConnection, _ handle: OpaquePointer
  ) -> MHD_Result {
    connection.phase = .responding(since: loop.now)
    connection.deadline = nil
    let answer = PendingAnswer(connection: connection, request: connection.requests)
    switch application.begin(request, answer) {
    case .answered(let response):
      connection.phase = .sending
      return queue(response, on: connection, handle)
    case .pending(let work): connection.work = work
    case .needsTask:
      // Preferring this worker's loop and isolated to nothing, it is there and stays there: to each actor that it
      // entered and left again it would be switched, though that were on the same loop.
      connection.work = Task.immediate(executorPreference: loop) { [application] in
        answer.give(await application.respond(to: request))
      }
      loop.runJobs()
      if case .answered(let response) = connection.phase {
        connection.phase = .sending
        return queue(response, on: connection, handle)
      }
    }
    connection.daemon!.isAwaitingAnswers = true
    return .YES
  }

  /// Has libmicrohttpd send an answer; the phase is that of sending.
  private func queue(_ response: consuming HTTPResponse, on connection: HTTPConnection, _ handle: OpaquePointer)
    -> MHD_Result
  {
    connection.work = nil
    connection.deadline = sendingDeadline(of: response)
    releaseBody(of: connection)
    connection.isEndless = response.isEndless
    let closes = response.closesConnection || connection.isLast || drain != nil
    if !closes, case .bytes(let bytes) = response.body, let kept = keptResponses.take(response.fields, bytes) {
      let native = kept.native.pointer
      connection.keptResponse = kept
      return MHD_queue_response(handle, UInt32(response.status), native)
    }
    let native = native(response.body, for: connection)
    for field in response.fields { native.add(field.name, field.value) }
    if closes { native.add("Connection", "close") }
    return MHD_queue_response(handle, UInt32(response.status), native.pointer)
  }

  /// libmicrohttpd ends a connection on which nothing moves; one that reads a byte now and then would stay for ever.
  private func sendingDeadline(of response: HTTPResponse) -> MonotonicTime? {
    if drain != nil { return loop.now + Limits.drainSending }
    if case .stream = response.body { return nil }
    return loop.now + deadlines.answer
  }

  private func native(_ body: HTTPResponse.Body, for connection: HTTPConnection) -> MHDResponse {
    switch body {
    case .bytes(let bytes): return MHDResponse(bytes)
    case .file(let file): return MHDResponse(file.bytes)
    case .stream(let produce):
      let limit = connection.isEndless ? Limits.endlessStreamBuffer : Limits.streamBuffer
      let stream = StreamingBody(produce, limit: limit, worker: self, connection: connection)
      connection.stream = stream
      return MHDResponse(stream, isHead: connection.isHead)
    }
  }

  /// libmicrohttpd has sent the answer, or the connection has ended before.
  func completed(_ connection: HTTPConnection) {
    let work = connection.work.take()
    requestsUnderWay -= 1
    releaseBody(of: connection)
    if let kept = connection.keptResponse.take() { keptResponses.giveBack(kept) }
    // What a client sent before its end is answered; nothing comes after that.
    connection.reset(deadline: loop.now + (connection.hasEnded ? Limits.deadlineSweep : deadlines.nextHead))
    // What it says to that is no answer to this request any more.
    work?.cancel()
    if drain != nil { checkDrained() }
  }

  private func closing(_ response: HTTPResponse) -> HTTPResponse {
    var response = response
    response.closesConnection = true
    return response
  }
}

// MARK: - Suspending

extension HTTPWorker {
  /// Has libmicrohttpd leave a connection alone until ``resume(_:)``.
  func suspend(_ connection: HTTPConnection) {
    connection.isSuspended = true
    MHD_suspend_connection(connection.handle)
  }

  /// Lets libmicrohttpd go on with a connection, at the end of this turn.
  func resume(_ connection: HTTPConnection) {
    switch connection.phase {
    case .answered, .sending:
      connection.daemon!.needsRun = true
      connection.daemon!.hasAnswers = true
    // Nothing is there to be said yet: the cancelled application is about to say it.
    default: return
    }
    guard connection.isSuspended else { return }
    connection.isSuspended = false
    MHD_resume_connection(connection.handle)
  }

  /// Ends a connection from our side; libmicrohttpd sees it ended.
  func cut(_ connection: HTTPConnection) {
    if connection.isHeld { return drop(connection) }
    guard !connection.isCut else { return }
    connection.isCut = true
    shutdown(connection.descriptor, Int32(SHUT_RDWR))
  }
}
