import Basics
import EventLoop
import Foundation
import HTTPServer
import Sockets
import TLS
import TestSupport
import Testing

/// Tests that meet sockets, one at a time: they share two cores with one another.
@Suite(.serialized, .timeLimit(.minutes(2))) struct RealServer {}

/// An application that the test writes as a function, and that puts refusals so that the test can read them.
final class TestApplication: HTTPApplication {
  typealias Admission = @Sendable (HTTPRequestHead) -> HTTPResponse?
  typealias Handler = @Sendable (HTTPRequest) async -> HTTPResponse

  private let admission: Admission
  private let handler: Handler
  private let noted = Locked<[String]>([])

  init(admit admission: @escaping Admission, respond handler: @escaping Handler) {
    self.admission = admission
    self.handler = handler
  }

  /// The paths of the requests that reached the application, in order.
  var paths: [String] { noted.withLock { $0 } }

  func admit(_ head: HTTPRequestHead) -> HTTPAdmission {
    noted.withLock { $0.append(head.path) }
    return admission(head).map(HTTPAdmission.answered) ?? .admitted(to: 0)
  }

  func respond(to request: HTTPRequest) async -> HTTPResponse {
    await handler(request)
  }

  func refuse(_ refusal: HTTPRefusal) -> HTTPResponse {
    let status =
      switch refusal {
      case .malformed: 400
      case .transferCoding: 501
      case .method: 405
      case .headTooLarge: 431
      case .bodyTooLarge: 413
      case .bodiesTooLarge, .tooManyConnections, .tooManyConnectionsOfClient, .draining: 503
      }
    return .text("\(refusal)", status: status)
  }
}

extension HTTPResponse {
  static func text(_ text: String, status: Int = 200) -> HTTPResponse {
    HTTPResponse(status: status, body: .bytes(Array(text.utf8)))
  }
}

extension HTTPResponse {
  /// A stream of pieces, each of which waits for the gate that has its name.
  static func stream(_ pieces: [String], each gate: Gate) -> HTTPResponse {
    HTTPResponse(
      status: 200,
      body: .stream { writer in
        for piece in pieces {
          await gate.wait(piece)
          try await writer.write(Array(piece.utf8))
        }
      })
  }
}

/// A server on loops of its own.
final class TestServer: Sendable {
  let application: TestApplication
  let server: HTTPServer
  let loops: [EventLoop]
  private let threads: [LoopThread]

  init(
    _ application: TestApplication, loops count: Int, maxConnections: Int, deadlines: HTTPDeadlines = HTTPDeadlines(),
    certificate: TLSCertificate? = nil
  ) async throws {
    threads = try (0..<count).map { try LoopThread(name: "http-test-\($0)") }
    let loops = threads.map(\.loop)
    self.loops = loops
    self.application = application
    server = try HTTPServer(
      on: loops.map { (loop: $0, application: application as any HTTPApplication) },
      addresses: [SocketAddress("127.0.0.1:0")!], maxConnections: maxConnections, deadlines: deadlines,
      certificate: certificate, log: { _ in })
    try await server.start()
  }

  var address: SocketAddress { server.addresses[0] }

  func connect(receiveBuffer: Int32? = nil) throws -> HTTPClient {
    try HTTPClient(to: address, receiveBuffer: receiveBuffer)
  }

  func endLoops() {
    for thread in threads { thread.loop.stop() }
    for thread in threads { thread.join() }
  }
}

/// Gives a test a server, and ends it afterwards in the proper order; the test runs where it may block.
func serving(
  _ handler: @escaping TestApplication.Handler, admit: @escaping TestApplication.Admission = { _ in nil },
  loops: Int = 2, maxConnections: Int = 1000, deadlines: HTTPDeadlines = HTTPDeadlines(),
  _ body: @escaping @Sendable (TestServer) async throws -> Void
) async throws {
  let application = TestApplication(admit: admit, respond: handler)
  let server = try await TestServer(application, loops: loops, maxConnections: maxConnections, deadlines: deadlines)
  defer { server.endLoops() }
  try await onOwnThreads { try await body(server) }
  await server.server.drain()
  await server.server.stop()
}

// MARK: - Waiting

/// Where handlers wait until the test lets them go on, from its own thread.
final class Gate: Sendable {
  private struct State {
    var opened: Set<String> = []
    var waiters: [String: CheckedContinuation<Void, Never>] = [:]
  }

  private let state = Locked(State())

  /// Who waits now.
  var waiting: Set<String> { state.withLock { Set($0.waiters.keys) } }

  func wait(_ name: String) async {
    await withCheckedContinuation { continuation in
      let isOpen = state.withLock { state in
        if state.opened.contains(name) { return true }
        state.waiters[name] = continuation
        return false
      }
      if isOpen { continuation.resume() }
    }
  }

  func open(_ name: String) {
    let waiter = state.withLock { state in
      state.opened.insert(name)
      return state.waiters.removeValue(forKey: name)
    }
    waiter?.resume()
  }
}
