import Basics
import Foundation
@testable import HTTPServer
import Sockets
import TestSupport
import Testing

/// The bytes that one client sends, and where they are cut: each piece is read by the server before the next is sent.
struct Trial: CustomStringConvertible {
  var name: String
  var bytes: [UInt8]
  var cuts: [Int] = []

  var description: String { "\(name), cut at \(cuts): \(escapedLine(bytes))" }

  fileprivate func piece(_ index: Int) -> [UInt8] {
    let ends = [0] + cuts + [bytes.count]
    return index + 1 < ends.count ? Array(bytes[ends[index]..<ends[index + 1]]) : []
  }
}

/// What a trial led to.
struct Outcome {
  /// The requests that the application answered.
  var ran: [StrictReader.Request] = []
  /// How many heads it was asked about.
  var admitted = 0
  var answers: [Answer] = []
  /// The server ended the connection.
  var isEnded = false
  /// What was wrong with the answers by themselves.
  var fault: String?

  var statuses: [Int] { answers.map(\.status) }
}

/// Sends trials to a server with one loop, many connections at a time, and tells what became of them.
final class TrialBench: Sendable {
  private let server: TestServer
  private let record: Record
  private let barrier: HTTPClient

  /// What reached the application, by connection.
  final class Record: Sendable {
    private let noted = Locked<[SocketAddress: Outcome]>([:])

    func note(_ peer: SocketAddress, _ change: (inout Outcome) -> Void) {
      noted.withLock { change(&$0[peer, default: Outcome()]) }
    }

    func take(_ peer: SocketAddress) -> Outcome { noted.withLock { $0.removeValue(forKey: peer) } ?? Outcome() }
  }

  private init(_ server: TestServer, _ record: Record) throws {
    self.server = server
    self.record = record
    barrier = try server.connect()
  }

  /// Gives a test a bench. Requests to `/later…` are answered when their connection is suspended already.
  static func with(_ body: @escaping @Sendable (TrialBench) async throws -> Void) async throws {
    let record = Record()
    let handler: TestApplication.Handler = { request in
      record.note(request.head.peer) { $0.ran.append(.init(request)) }
      if request.head.path.hasPrefix("/later") { try? await Task.sleep(nanoseconds: 3_000_000) }
      return .text("served")
    }
    let admission: TestApplication.Admission = { head in
      record.note(head.peer) { $0.admitted += 1 }
      return nil
    }
    try await serving(handler, admit: admission, loops: 1) { server in
      let bench = try TrialBench(server, record)
      try await body(bench)
      bench.barrier.close()
      #expect(await eventually { server.server.connections == 0 }, "connections are left over")
    }
  }

  /// Runs trials at the same time.
  func run(_ trials: [Trial]) throws -> [Outcome] {
    let clients = try trials.map { _ in try server.connect() }
    let peers = clients.map(\.local)
    for piece in 0...(trials.map(\.cuts.count).max() ?? 0) {
      for (client, trial) in zip(clients, trials) { client.send(trial.piece(piece)) }
      try awaitReading()
    }
    let readings = trials.map { StrictReader($0.bytes) }
    var outcomes = zip(clients, readings).map { Self.answers($0, $1) }
    try awaitReading()
    for (index, client) in clients.enumerated() {
      Self.finish(&outcomes[index], client)
      client.close()
      let noted = record.take(peers[index])
      outcomes[index].ran = noted.ran
      outcomes[index].admitted = noted.admitted
    }
    return outcomes
  }

  /// Returns when the server has read all that was sent to it: of two requests one after the other on this loop, the
  /// second is answered in a run that began after all of it had come.
  private func awaitReading() throws {
    for _ in 0..<2 {
      guard try barrier.exchange("GET /barrier HTTP/1.1\r\nHost: a\r\n\r\n").status == 200 else {
        throw ClientError.malformed("the barrier's answer")
      }
    }
  }

  /// Reads the answers that are due. Where the connection is to end, the client ends its part and waits for it.
  private static func answers(_ client: HTTPClient, _ reading: StrictReader) -> Outcome {
    var outcome = Outcome()
    let isOpen = reading.end == .complete || reading.end == .incomplete
    if !isOpen { client.endSending() }
    do throws(ClientError) {
      for request in reading.requests {
        var answer = try client.answer(toHead: request.method == "HEAD")
        while answer.status == 100 { answer = try client.answer(toHead: request.method == "HEAD") }
        outcome.answers.append(answer)
        if answer.status >= 400 { return outcome }
      }
      guard !isOpen else { return outcome }
      try note(client.everything(), in: &outcome)
      outcome.isEnded = true
    } catch {
      switch error {
      case .ended, .reset: outcome.isEnded = true
      case .timedOut, .malformed, .refused: outcome.fault = "\(error)"
      }
    }
    return outcome
  }

  /// Looks at what has come without being due.
  private static func finish(_ outcome: inout Outcome, _ client: HTTPClient) {
    guard !outcome.isEnded, outcome.fault == nil else { return }
    let (bytes, isEnded) = client.arrived()
    note(bytes, in: &outcome)
    outcome.isEnded = isEnded
  }

  /// Bytes past the answers that were due: interim answers, errors, and answers that should not be there.
  private static func note(_ bytes: [UInt8], in outcome: inout Outcome) {
    let parts = String(decoding: bytes, as: UTF8.self).components(separatedBy: "HTTP/1.1 ")
    if !parts[0].isEmpty { outcome.fault = "this came instead of an answer: \(escapedLine(parts[0]))" }
    let statuses = parts.dropFirst().filter { $0.dropFirst(3).first == " " }.compactMap { Int($0.prefix(3)) }
    outcome.answers += statuses.filter { $0 != 100 }.map { Answer(status: $0, fields: [:], body: []) }
  }
}

extension StrictReader.Request {
  init(_ request: HTTPRequest) {
    let head = request.head
    self.init(
      method: head.method.rawValue, path: head.path, query: head.query,
      fields: head.fields.map { [$0.name, $0.value] },
      body: request.body)
  }
}
