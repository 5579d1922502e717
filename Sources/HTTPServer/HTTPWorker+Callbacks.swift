import Basics
import CMicroHTTPD
import Glibc

// libmicrohttpd calls these within ``Daemon/run()``, so on the worker's loop. Their context is the worker; their
// pointers are good for their duration.

extension HTTPWorker {
  /// The functions that libmicrohttpd calls; the worker outlives its daemon.
  func callbacks() -> Daemon.Callbacks {
    Daemon.Callbacks(
      context: Unmanaged.passUnretained(self).toOpaque(),
      access: handleAccess, connection: notifyConnection, completed: requestCompleted, target: targetRead,
      log: writeLog)
  }

  /// Enters the worker that is a callback's context.
  @inline(__always)
  fileprivate static func enter<Result>(
    _ context: UnsafeMutableRawPointer?, _ body: (HTTPWorker) -> Result
  ) -> Result {
    borrow(context) { (worker: HTTPWorker) in
      worker.loop.assertCurrent()
      return body(worker)
    }
  }

  fileprivate func connectionChanged(
    _ state: UnsafeMutablePointer<UnsafeMutableRawPointer?>, _ event: MHD_ConnectionNotificationCode,
    _ handle: OpaquePointer
  ) {
    switch event {
    case .CONNECTION_NOTIFY_STARTED:
      guard let connection = arriving else { preconditionFailure("libmicrohttpd has a connection that is not ours") }
      state.pointee = Unmanaged.passRetained(connection).toOpaque()
      beginSession(of: connection, handle)
    case .CONNECTION_NOTIFY_CLOSED:
      guard let pointer = state.pointee else { return }
      closed(Unmanaged<HTTPConnection>.fromOpaque(pointer).takeRetainedValue())
    }
  }
}

/// Lends the object behind a pointer that libmicrohttpd keeps for us. The worker outlives its daemons, and a connection
/// is kept until libmicrohttpd has closed it; so neither is kept and let go once more for each of the calls, of which a
/// message makes six.
@inline(__always)
private func borrow<Object: AnyObject, Result>(
  _ pointer: UnsafeMutableRawPointer?, _ body: (Object) -> Result
) -> Result {
  Unmanaged<Object>.fromOpaque(pointer!)._withUnsafeGuaranteedRef { body($0) }
}

/// The head is read; then for each piece of the body, with its bytes; then when all is read; and again when a suspended
/// connection is resumed.
private let handleAccess: MHD_AccessHandlerCallback = { context, handle, _, method, version, data, size, state in
  HTTPWorker.enter(context) { worker in
    borrow(state!.pointee) { (connection: HTTPConnection) in
      connection.handle = handle
      // An empty piece is one all the same: before 1.0 libmicrohttpd looks for a body after every 100.
      guard let data else { return worker.continueRequest(connection, handle!, method: method!, version: version!) }
      worker.receive(UnsafeRawBufferPointer(start: data, count: size!.pointee), for: connection)
      size!.pointee = 0
      return .YES
    }
  }
}

private let notifyConnection: MHD_NotifyConnectionCallback = { context, handle, state, event in
  HTTPWorker.enter(context) { $0.connectionChanged(state!, event, handle!) }
}

private let requestCompleted: MHD_RequestCompletedCallback = { context, _, state, _ in
  guard let pointer = state!.pointee else { return }
  HTTPWorker.enter(context) { worker in borrow(pointer) { worker.completed($0) } }
}

/// The request line is read. What is returned here comes back with every call for this request.
private let targetRead: Daemon.TargetCallback = { context, target, handle in
  let pointer = cmhd_socket_context(handle)
  HTTPWorker.enter(context) { worker in
    borrow(pointer) { (connection: HTTPConnection) in
      connection.handle = handle
      worker.targetArrived(UnsafeRawBufferPointer(start: target!, count: strlen(target!)), on: connection)
    }
  }
  return pointer
}

private let writeLog: MHD_LogCallback = { context, format, arguments in
  HTTPWorker.enter(context) { worker in
    let line = formatted(format!, arguments!)
    worker.answerInItsPlace(line)
    if worker.mutesNextLine { worker.mutesNextLine = false } else { worker.log(worker.event(of: line)) }
  }
}

/// What a C format and its arguments say, without the line's end.
private func formatted(_ format: UnsafePointer<CChar>, _ arguments: CVaListPointer) -> String {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { line in
    let length = Int(vsnprintf(line.baseAddress!, line.count, format, arguments))
    let text = line[..<min(max(length, 0), line.count - 1)].map { UInt8(bitPattern: $0) }
    return String(decoding: text.last == UInt8(ascii: "\n") ? text.dropLast() : text, as: UTF8.self)
  }
}
