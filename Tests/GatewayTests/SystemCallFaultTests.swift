import Basics
import Foundation
import Sockets
import SystemPackage
import TestSupport
import Testing

@testable import Gateway

/// Every system call of the gateway's, failed once in turn, with each errno that its manual page names and that the
/// program may meet. After each: an answer that is true or an error that is clear, then health again, and nothing is
/// left open.
///
/// In a process of its own, one call a test, since what fails is the process's.
@Suite(.serialized) struct SystemCallFaultTests {
  static let failures: [(call: SystemCall, errors: [Errno])] = [
    (.socket, [.tooManyOpenFiles, .tooManyOpenFilesInSystem, .noBufferSpace, .noMemory, .interrupted]),
    (.setsockopt, [.noMemory, .noBufferSpace, .interrupted]),
    (.bind, [.addressInUse, .addressNotAvailable, .permissionDenied]),
    (.listen, [.addressInUse]),
    (.getsockname, [.noBufferSpace]),
    (.getsockopt, [.noBufferSpace]),
    (.connect, [.resourceTemporarilyUnavailable, .addressNotAvailable, .networkUnreachable, .notPermitted]),
    (.accept4, [.tooManyOpenFiles, .connectionAbort, .interrupted]),
    (.send, [.resourceTemporarilyUnavailable, .noBufferSpace, .notPermitted, .connectionRefused, .interrupted]),
    (.recv, [.connectionRefused, .noMemory, .interrupted]),
    (.recvmsg, [.resourceTemporarilyUnavailable, .connectionRefused, .noMemory, .interrupted]),
    (.recvmmsg, [.resourceTemporarilyUnavailable, .connectionRefused, .noMemory, .interrupted]),
    (.sendmmsg, [.resourceTemporarilyUnavailable, .noBufferSpace, .notPermitted, .interrupted]),
    (.epoll_create1, [.tooManyOpenFiles, .noMemory]),
    (.eventfd, [.tooManyOpenFiles, .noMemory]),
    (.epoll_pwait2, [.interrupted, .noFunction]),
    (.epoll_ctl, [.noMemory, .noSpace]),
    (.pthread_create, [.resourceTemporarilyUnavailable]),
    (.read, [.resourceTemporarilyUnavailable, .interrupted]),
    (.write, [.interrupted]),
  ]

  @Test(arguments: failures.map(\.call.rawValue))
  func whatFailsOnceIsToldAndMended(call: String) async {
    let child = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) { [call] in
      let (call, errors) = try #require(SystemCallFaultTests.failures.first { $0.call.rawValue == call })
      _ = try await Run(failing: call, number: 0, with: .interrupted)
      // What sleeping opens for good is open before anything is counted.
      try await Task.sleep(nanoseconds: 50_000_000)
      var open = try openDescriptors()
      for error in errors {
        var number = 1
        while try await Run.fails(call, number, error, open: &open) { number += 1 }
        // A call that is never made has not been tested.
        precondition(number > 1, "\(call) is never called")
      }
    }
    let complaints = String(decoding: child?.standardErrorContent ?? [], as: UTF8.self)
    #expect(!complaints.contains(Run.mark), "\(complaints)")
  }

  @Test func everyCallThatAGatewayMakesIsInTheList() {
    // healthcheck's and the signal watcher's own are not the gateway's, and epoll_wait is for older kernels; their
    // tests are elsewhere.
    let others: Set<SystemCall> = [.epoll_wait, .poll, .signalfd]
    #expect(Set(SystemCall.allCases) == Set(Self.failures.map(\.call)).union(others))
  }
}

/// One life of a gateway in which one call fails.
private struct Run {
  /// Begins each line that tells what went wrong.
  static let mark = "wrong:"
  /// The call was made so often that its turn to fail came.
  let hasFailed: Bool
  /// How many descriptors were open in the end.
  let left: Int

  /// - Parameter open: how many descriptors are waited for in the end.
  init(failing call: SystemCall, number: Int, with error: Errno, open: Int = .max) async throws {
    let made = Locked(0)
    SystemCallFaults.follow { name in
      guard name == call else { return nil }
      let count = made.withLock { count in
        count += 1
        return count
      }
      return count == number ? error : nil
    }
    try await Self.live("\(call.rawValue) \(number): \(error)")
    SystemCallFaults.follow(nil)
    hasFailed = made.withLock { $0 } >= number && number > 0
    // Whoever drops the last reference to a loop closes it; that may be another thread, a moment later.
    left = try await settled(open)
  }

  /// Lives once with the failure, and once more where a descriptor is left: what the runtime opens for good at its
  /// first need it opens once, a leak is there each time.
  ///
  /// - Returns: whether the call was made so often that it failed.
  static func fails(_ call: SystemCall, _ number: Int, _ error: Errno, open: inout Int) async throws -> Bool {
    let run = try await Run(failing: call, number: number, with: error, open: open)
    guard run.left > open else { return run.hasFailed }
    let again = try await Run(failing: call, number: number, with: error, open: run.left)
    if again.left > run.left {
      complain("\(call) \(number), \(error): \(open), \(run.left), \(again.left) descriptors: \(try openFiles())")
    }
    open = run.left
    return run.hasFailed
  }

  /// Starts, answers, is asked again once nothing fails any more, and stops.
  private static func live(_ circumstances: String) async throws {
    var configuration = GatewayConfiguration()
    configuration.http = [SocketAddress("127.0.0.1:0")!]
    configuration.udp = [SocketAddress("127.0.0.1:0")!, SocketAddress("127.0.0.2:0")!]
    // So few that the last message goes through a socket that has been used.
    configuration.maxInFlight = 4
    configuration.targets = [("closed", HostPort(try quietAddress("127.0.0.1").description)!)]
    let gateway: Gateway
    do { gateway = try await Gateway.start(configuration) } catch {
      precondition(!"\(error)".isEmpty)
      return
    }
    for message in ["hello", "once", "more", "and", "again"] {
      check(try ask(gateway, message), [200, 502, 503, 504], circumstances)
    }
    check(try ask(gateway, "hello", target: "&target=closed"), [502, 503, 504], circumstances)
    check(
      series: try ask(gateway, #"{"count":3,"interval_ms":1,"timeout_ms":100}"#, path: "/api/probes?"), circumstances)
    SystemCallFaults.follow(nil)
    // A socket that met an error is out of use for its rest; with so few, so is the target.
    var answer = try ask(gateway, "mended")
    for _ in 0..<1000 where answer.text.contains("problem:overloaded") {
      try await Task.sleep(nanoseconds: 10_000_000)
      answer = try ask(gateway, "mended")
    }
    check(answer, [200], circumstances)
    await gateway.stop()
  }

  private static func check(_ answer: (sent: String, text: String), _ allowed: [Int], _ circumstances: String) {
    // A connection that cannot be watched is closed; that is told in the log.
    if answer.text.isEmpty, allowed.count > 1 { return }
    let status = Int(answer.text.dropFirst("HTTP/1.1 ".count).prefix(3))
    let isTrue = status != 200 || answer.text.contains(#""reply":"\#(answer.sent)""#)
    if !isTrue || !allowed.contains(status ?? 0) { complain("\(circumstances), \(answer.sent): \(answer.text)") }
  }

  /// A series that begins accounts for each of its datagrams, whatever fails meanwhile.
  private static func check(series answer: (sent: String, text: String), _ circumstances: String) {
    let isWhole = answer.text.contains(#""summary":{"complete":true,"sent":3,"#)
    let isRefused = [502, 503].contains(Int(answer.text.dropFirst("HTTP/1.1 ".count).prefix(3)))
    if !answer.text.isEmpty, !isWhole, !isRefused { complain("\(circumstances), a series: \(answer.text)") }
  }

  private static func complain(_ text: String) {
    FileHandle.standardError.write(Data("\(mark) \(text)\n".utf8))
  }

  private static func ask(
    _ gateway: Gateway, _ message: String, path: String = "/api/messages?timeout_ms=100", target: String = ""
  ) throws -> (sent: String, text: String) {
    let head = "POST \(path)\(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    let body = "Content-Type: text/plain\r\nContent-Length: \(message.utf8.count)\r\n\r\n\(message)"
    let connection = try PlainSocket(connectedTo: gateway.httpAddresses[0])
    return (message, String(decoding: connection.exchange(Array((head + body).utf8)), as: UTF8.self))
  }
}

private func settled(_ expected: Int) async throws -> Int {
  for _ in 0..<1000 where try openDescriptors() > expected { try await Task.sleep(nanoseconds: 1_000_000) }
  return try openDescriptors()
}

private func openDescriptors() throws -> Int {
  try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
}

/// What the descriptors are, for who has to find the one too many.
private func openFiles() throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { name in
    try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)")
  }
}
