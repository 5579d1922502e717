import Basics
import CMicroHTTPD
import EventLoop
import Glibc
import TLS

/// One libmicrohttpd daemon in external epoll mode: it has no thread and no listening socket; it is given connections
/// and run when its epoll says so.
final class Daemon {
  private let daemon: OpaquePointer

  /// Its epoll's place in the loop.
  var registration: Registration?
  /// Connections that it has, in no order.
  private(set) var connections: [HTTPConnection] = []
  /// Encrypted connections on which no request has begun. While a handshake waits for its client, libmicrohttpd takes
  /// the connection for ready.
  var shakingHands = 0
  /// It has something to do.
  var needsRun = false
  /// It has answers to send.
  var hasAnswers = false
  /// How often it must be run until the answers that it was given last are sent and their requests over.
  private var runsUntilEnd = 0
  /// When it will have something to do in any case.
  var runsAt: MonotonicTime?
  /// There may be connections that it would ask about at once and for ever: they wait for an answer and are not
  /// suspended yet.
  var isAwaitingAnswers = false
  /// Connections whose clients have ended them since it ran.
  var justEnded: [HTTPConnection] = []

  /// Is given the request's target as it came (`MHD_OPTION_URI_LOG_CALLBACK`); the library names no type for it.
  typealias TargetCallback =
    @convention(c) (
      UnsafeMutableRawPointer?, UnsafePointer<CChar>?, OpaquePointer?
    ) -> UnsafeMutableRawPointer?

  /// What libmicrohttpd calls back; `context` is handed to each.
  struct Callbacks {
    var context: UnsafeMutableRawPointer
    var access: MHD_AccessHandlerCallback
    var connection: MHD_NotifyConnectionCallback
    var completed: MHD_RequestCompletedCallback
    var target: TargetCallback
    var log: MHD_LogCallback
  }

  /// nil where descriptors or memory have run out.
  ///
  /// - Precondition: libmicrohttpd was built with epoll, as every distribution's is.
  init?(_ callbacks: Callbacks, showing certificate: TLSCertificate?) {
    let daemon =
      if let certificate {
        Self.withOptions(showing: certificate) { Self.start(callbacks, $0, flags: MHD_USE_TLS.rawValue) }
      } else {
        Self.start(callbacks, [], flags: 0)
      }
    guard let daemon else { return nil }
    self.daemon = daemon
  }

  private static func start(_ callbacks: Callbacks, _ more: [MHD_OptionItem], flags: UInt32) -> OpaquePointer? {
    var options = options(callbacks) + more + [MHD_OptionItem(option: .END, value: 0, ptr_value: nil)]
    return options.withUnsafeMutableBufferPointer {
      cmhd_start_daemon(cmhd_daemon_flags() | flags, callbacks.access, callbacks.context, $0.baseAddress)
    }
  }

  /// Whether the library that runs was built with GnuTLS, as every distribution's is.
  static var canEncrypt: Bool { cmhd_can_encrypt() == .YES }

  /// Lends what a daemon needs to encrypt, while it starts.
  private static func withOptions<Result>(
    showing certificate: TLSCertificate, _ body: ([MHD_OptionItem]) -> Result
  ) -> Result {
    func text(_ option: MHD_OPTION, _ bytes: UnsafePointer<UInt8>) -> MHD_OptionItem {
      MHD_OptionItem(option: option, value: 0, ptr_value: UnsafeMutableRawPointer(mutating: bytes))
    }
    // Its defaults would still take TLS 1.0, which RFC 8996 has put away.
    let versions = Array("NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2".utf8)
    return (certificate.chain + [0]).withUnsafeBufferPointer { chain in
      (certificate.key + [0]).withUnsafeBufferPointer { key in
        (versions + [0]).withUnsafeBufferPointer { versions in
          body([
            text(.HTTPS_MEM_CERT, chain.baseAddress!), text(.HTTPS_MEM_KEY, key.baseAddress!),
            text(.HTTPS_PRIORITIES, versions.baseAddress!),
          ])
        }
      }
    }
  }

  private static func options(_ callbacks: Callbacks) -> [MHD_OptionItem] {
    func call(_ option: MHD_OPTION, _ function: Int) -> MHD_OptionItem {
      MHD_OptionItem(option: option, value: function, ptr_value: callbacks.context)
    }
    func value(_ option: MHD_OPTION, _ value: Int) -> MHD_OptionItem {
      MHD_OptionItem(option: option, value: value, ptr_value: nil)
    }
    return [
      // First, so that it tells of the others too.
      call(.EXTERNAL_LOGGER, unsafeBitCast(callbacks.log, to: Int.self)),
      call(.NOTIFY_CONNECTION, unsafeBitCast(callbacks.connection, to: Int.self)),
      call(.NOTIFY_COMPLETED, unsafeBitCast(callbacks.completed, to: Int.self)),
      call(.URI_LOG_CALLBACK, unsafeBitCast(callbacks.target, to: Int.self)),
      call(.UNESCAPE_CALLBACK, unsafeBitCast(keepEscapes, to: Int.self)),
      value(.CONNECTION_MEMORY_LIMIT, Limits.connectionPool),
      value(.CONNECTION_TIMEOUT, Limits.inactivityTimeoutSeconds),
      // The bound on connections is ours; this one would close without a word.
      value(.CONNECTION_LIMIT, Int(Int32.max)),
      cmhd_discipline_option(),
    ]
  }

  /// Readable when the daemon wants to be run.
  var epollDescriptor: Int32 { cmhd_epoll_descriptor(daemon) }

  /// Serves what is ready, and what has been resumed.
  func run() {
    MHD_run(daemon)
  }

  /// It was given an answer that it had waited for. libmicrohttpd takes two more runs for such: one sends it, and one
  /// ends its request. What all that needs is in the cache now, and not in a later turn.
  func takesAnswer() {
    runsUntilEnd = 2
  }

  /// It has been run: what it was given an answer for in that run, or the one before, wants it to be run again.
  func endsAnswers() {
    guard runsUntilEnd > 0 else { return }
    runsUntilEnd -= 1
    needsRun = true
  }

  /// In how long the daemon must be run whatever its epoll says; nil where there is no hurry.
  var timeout: Nanoseconds? {
    var milliseconds: UInt64 = 0
    guard MHD_get_timeout(daemon, &milliseconds) == .YES else { return nil }
    return .milliseconds(Int(clamping: milliseconds))
  }

  /// Gives it a connection, which it closes in the end, or at once where it cannot take it.
  func add(_ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> Bool {
    MHD_add_connection(daemon, descriptor, address, length) == .YES
  }

  /// Notes a connection that it is about to be given.
  func takes(_ connection: HTTPConnection) {
    connections.append(connection)
  }

  /// The connection is closed.
  func forgets(_ connection: HTTPConnection) {
    guard let place = connections.firstIndex(where: { $0 === connection }) else { return }
    connections.swapAt(place, connections.endIndex - 1)
    connections.removeLast()
  }

  /// Ends the daemon and its connections.
  ///
  /// - Precondition: no connection is suspended; libmicrohttpd aborts the process otherwise.
  func stop() {
    MHD_stop_daemon(daemon)
    // They refer to it: without a further run nothing else would part them.
    justEnded = []
  }
}

/// Resolving escapes is ours to do, and strictly: libmicrohttpd would cut at `%00`.
private let keepEscapes:
  @convention(c) (UnsafeMutableRawPointer?, OpaquePointer?, UnsafeMutablePointer<CChar>?) -> Int = {
    _, _, text in text.map { strlen($0) } ?? 0
  }
