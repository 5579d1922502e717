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

  /// The worker that is a callback's context.
  fileprivate static func of(_ context: UnsafeMutableRawPointer?) -> HTTPWorker {
    let worker = Unmanaged<HTTPWorker>.fromOpaque(context!).takeUnretainedValue()
    worker.loop.assertCurrent()
    return worker
  }

  /// The connection behind the pointer that libmicrohttpd keeps for us with each request.
  fileprivate static func connection(of pointer: UnsafeMutableRawPointer?) -> HTTPConnection {
    Unmanaged<HTTPConnection>.fromOpaque(pointer!).takeUnretainedValue()
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

/// The head is read; then for each piece of the body, with its bytes; then when all is read; and again when a suspended
/// connection is resumed.
private let handleAccess: MHD_AccessHandlerCallback = { context, handle, _, method, version, data, size, state in
  let worker = HTTPWorker.of(context)
  let connection = HTTPWorker.connection(of: state!.pointee)
  connection.handle = handle
  // An empty piece is one all the same: before 1.0 libmicrohttpd looks for a body after every 100.
  guard let data else { return worker.continueRequest(connection, handle!, method: method!, version: version!) }
  worker.receive(UnsafeRawBufferPointer(start: data, count: size!.pointee), for: connection)
  size!.pointee = 0
  return .YES
}

private let notifyConnection: MHD_NotifyConnectionCallback = { context, handle, state, event in
  HTTPWorker.of(context).connectionChanged(state!, event, handle!)
}

private let requestCompleted: MHD_RequestCompletedCallback = { context, _, state, _ in
  guard let pointer = state!.pointee else { return }
  HTTPWorker.of(context).completed(HTTPWorker.connection(of: pointer))
}

/// The request line is read. What is returned here comes back with every call for this request.
private let targetRead: Daemon.TargetCallback = { context, target, handle in
  let pointer = cmhd_socket_context(handle)
  let connection = HTTPWorker.connection(of: pointer)
  connection.handle = handle
  let bytes = UnsafeRawBufferPointer(start: target!, count: strlen(target!))
  HTTPWorker.of(context).targetArrived(bytes, on: connection)
  return pointer
}

private let writeLog: MHD_LogCallback = { context, format, arguments in
  let worker = HTTPWorker.of(context)
  let line = formatted(format!, arguments!)
  worker.answerInItsPlace(line)
  if worker.mutesNextLine { worker.mutesNextLine = false } else { worker.log(worker.event(of: line)) }
}

/// What a C format and its arguments say, without the line's end.
private func formatted(_ format: UnsafePointer<CChar>, _ arguments: CVaListPointer) -> String {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { line in
    let length = Int(vsnprintf(line.baseAddress!, line.count, format, arguments))
    let text = line[..<min(max(length, 0), line.count - 1)].map { UInt8(bitPattern: $0) }
    return String(decoding: text.last == UInt8(ascii: "\n") ? text.dropLast() : text, as: UTF8.self)
  }
}
