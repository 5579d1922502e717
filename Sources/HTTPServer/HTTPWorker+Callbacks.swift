import Basics
import CMicroHTTPD
import Glibc

/// What libmicrohttpd hands to a callback: pointers that are good for its duration.
///
/// `@unchecked Sendable`: a callback runs within ``Daemon/run()``, so on the worker's loop already; this only tells the
/// compiler so.
struct Callback<Arguments>: @unchecked Sendable {
  let arguments: Arguments

  /// Enters the worker that is a callback's context.
  func enter<Result: Sendable>(
    _ context: UnsafeMutableRawPointer?, _ body: @Sendable (isolated HTTPWorker, Arguments) -> Result
  ) -> Result {
    enter(Unmanaged<HTTPWorker>.fromOpaque(context!).takeUnretainedValue(), body)
  }

  /// Enters a worker.
  func enter<Result: Sendable>(_ worker: HTTPWorker, _ body: @Sendable (isolated HTTPWorker, Arguments) -> Result)
    -> Result
  {
    worker.assumeOnLoop { body($0, arguments) }
  }
}

extension HTTPWorker {
  /// The functions that libmicrohttpd calls; the worker outlives its daemon.
  func callbacks() -> Daemon.Callbacks {
    Daemon.Callbacks(
      context: Unmanaged.passUnretained(self).toOpaque(),
      access: handleAccess, connection: notifyConnection, completed: requestCompleted, target: targetRead,
      log: writeLog)
  }

  /// The connection behind the pointer that libmicrohttpd keeps for us with each request.
  fileprivate func connection(of pointer: UnsafeMutableRawPointer?) -> HTTPConnection {
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
  Callback(arguments: (handle!, method!, version!, data, size!, state!)).enter(context) { worker, call in
    let (handle, method, version, data, size, state) = call
    let connection = worker.connection(of: state.pointee)
    connection.handle = handle
    // An empty piece is one all the same: before 1.0 libmicrohttpd looks for a body after every 100.
    guard let data else { return worker.continueRequest(connection, handle, method: method, version: version) }
    worker.receive(UnsafeRawBufferPointer(start: data, count: size.pointee), for: connection)
    size.pointee = 0
    return .YES
  }
}

private let notifyConnection: MHD_NotifyConnectionCallback = { context, handle, state, event in
  Callback(arguments: (state!, event, handle!)).enter(context) { worker, call in
    worker.connectionChanged(call.0, call.1, call.2)
  }
}

private let requestCompleted: MHD_RequestCompletedCallback = { context, _, state, _ in
  Callback(arguments: state!.pointee).enter(context) { worker, pointer in
    if pointer != nil { worker.completed(worker.connection(of: pointer)) }
  }
}

/// The request line is read. What is returned here comes back with every call for this request.
private let targetRead: Daemon.TargetCallback = { context, target, handle in
  let pointer = cmhd_socket_context(handle)
  Callback(arguments: (target!, pointer, handle)).enter(context) { worker, call in
    let bytes = UnsafeRawBufferPointer(start: call.0, count: strlen(call.0))
    let connection = worker.connection(of: call.1)
    connection.handle = call.2
    worker.targetArrived(bytes, on: connection)
  }
  return pointer
}

private let writeLog: MHD_LogCallback = { context, format, arguments in
  Callback(arguments: (format!, arguments!)).enter(context) { worker, call in
    let line = formatted(call.0, call.1)
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
