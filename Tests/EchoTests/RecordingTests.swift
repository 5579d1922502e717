import Basics
import EventLoop
import Glibc
import Sockets
import TestSupport
import Testing

@testable import Echo

/// What the server records of what it does.
@Suite struct RecordingTests {
  private func withRecordedEcho(
    at place: String, loops: Int = 2, _ body: @escaping @Sendable (EchoServer, DatagramLog) async throws -> Void
  ) async throws {
    try await withLoops(loops) { loops in
      let log = DatagramLog()
      let server = try EchoServer(on: loops, addresses: [#require(SocketAddress(place))], log: log)
      try await server.start()
      try await body(server, log)
      await server.stop()
    }
  }

  /// Waits until so many were recorded; they and their bytes.
  private func recorded(_ count: Int, in log: DatagramLog) async throws -> [(RecordedDatagram, [UInt8])] {
    try await waitUntil { log.newest >= UInt64(count) }
    var excerpt = DatagramExcerpt(capacity: Limits.recordedDatagrams)
    _ = log.read(after: 0, into: &excerpt)
    return excerpt.records.enumerated().map { ($1, Array(excerpt.bytes(at: $0))) }
  }

  @Test(arguments: [
    ("127.0.0.1:0", "127.0.0.1", "127.0.0.1:0"), ("[::1]:0", "::1", "[::1]:0"),
    ("0.0.0.0:0", "127.0.0.2", "127.0.0.1:0"),
    ("[::]:0", "127.0.0.3", "127.0.0.1:0"), ("[::]:0", "::1", "[::1]:0"),
  ])
  func whereADatagramCameFromAndWasSentToAndWhen(place: String, asked: String, client: String) async throws {
    try await withRecordedEcho(at: place) { server, log in
      let client = try PlainSocket(at: client)
      let asked = SocketAddress(try #require(IPAddress(asked)), port: server.addresses[0].port)
      let before = WallTime.now()
      for size in [0, 19, 3000] {
        client.send(pattern(size), to: asked)
        _ = try client.receive()
      }
      let entries = try await recorded(3, in: log)
      #expect(entries.map(\.0.length) == [0, 19, 3000])
      #expect(entries.map(\.1) == [pattern(0), pattern(19), Array(pattern(3000).prefix(1024))])
      for (entry, _) in entries {
        #expect(entry.source == client.address && entry.destination == asked)
        #expect(entry.fate == .echoed && entry.impairments == [] && !entry.isOwn)
      }
      // The wall clock can be set in between, back too.
      #expect(entries.allSatisfy { abs(($0.0.receivedAt - before).seconds) < 60 })
    }
  }

  @Test func whatIsRefusedIsRecordedWithItsReason() async throws {
    try await withRecordedEcho(at: "127.0.0.1:0") { server, log in
      let client = try PlainSocket(at: "127.0.0.1:0")
      client.send([1], to: server.addresses[0])
      _ = try client.receive()
      // An answer's hop limit: from a private network that is another echo server's.
      client.setOption(Int32(IPPROTO_IP), IP_TTL, Int32(Limits.echoHopLimit))
      client.send([2], to: server.addresses[0])
      let entries = try await recorded(2, in: log)
      #expect(entries.map(\.0.fate) == [.echoed, .refused(.ownAddress)])
      #expect(entries.map(\.1) == [[1], [2]])
    }
  }

  @Test func everyDatagramOfEveryLoopIsRecordedOnce() async throws {
    try await withRecordedEcho(at: "127.0.0.1:0") { server, log in
      let clients = try (0..<16).map { _ in try PlainSocket(at: "127.0.0.1:0") }
      for round in 0..<20 {
        for (index, client) in clients.enumerated() {
          client.send([UInt8(index), UInt8(round)], to: server.addresses[0])
        }
      }
      let entries = try await recorded(320, in: log)
      #expect(entries.map(\.0.number) == Array(1...320))
      for (index, client) in clients.enumerated() {
        let own = entries.filter { $0.0.source == client.address }
        #expect(own.map(\.1) == (0..<20).map { [UInt8(index), UInt8($0)] }, "in its own order")
      }
    }
  }

  @Test func whatImpairmentsDidIsRecorded() async throws {
    try await withRecordedEcho(at: "127.0.0.1:0") { server, log in
      let client = try PlainSocket(at: "127.0.0.1:0")
      let cases: [([Impairments.Edit], DatagramFate, [String])] = [
        ([.number(.loss, 100)], .lost, ["loss"]),
        ([.number(.duplicate, 100), .number(.corrupt, 100)], .echoed, ["duplicate", "corrupt"]),
        ([.number(.delay, 5)], .echoed, ["delay"]),
      ]
      for (edits, fate, names) in cases {
        let before = log.newest
        try await server.impair(Impairments.Change(isWhole: true, edits: edits))
        client.send(Array("impaired".utf8), to: server.addresses[0])
        let entry = try #require(try await recorded(Int(before) + 1, in: log).last)
        #expect(entry.0.fate == fate && entry.0.impairments.names == names)
        #expect(entry.0.source == client.address && entry.0.destination == server.addresses[0])
        #expect(entry.1 == Array("impaired".utf8), "as it came")
      }
    }
  }
}
