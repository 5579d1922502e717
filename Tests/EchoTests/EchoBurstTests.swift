import Basics
import EventLoop
import SystemPackage
import TestSupport
import Testing

@testable import Echo
@testable import Sockets

/// The server where datagrams come in bursts, which are read as one: all that is said of datagrams holds for each.
@Suite struct EchoBurstTests {
  /// A server of one loop that records, and its log.
  private func withServer(
    at place: String, observer: EchoServer.Observer? = nil,
    _ body: @escaping @Sendable (EchoServer, DatagramLog) async throws -> Void
  ) async throws {
    try await withServer(at: place, observer: observer) { server, log, _ in try await body(server, log) }
  }

  private func withServer(
    at place: String, observer: EchoServer.Observer? = nil,
    _ body: @escaping @Sendable (EchoServer, DatagramLog, EventLoop) async throws -> Void
  ) async throws {
    try await withLoops(1) { loops in
      let log = DatagramLog()
      let server = try EchoServer(on: loops, addresses: [#require(SocketAddress(place))], log: log, observer: observer)
      try await server.start()
      try await body(server, log, loops[0])
      await server.stop()
    }
  }

  private func recorded(_ count: Int, in log: DatagramLog) async throws -> [(RecordedDatagram, [UInt8])] {
    try await waitUntil { log.newest >= UInt64(count) }
    var excerpt = DatagramExcerpt(capacity: Limits.recordedDatagrams)
    _ = log.read(after: 0, into: &excerpt)
    return excerpt.records.enumerated().map { ($1, Array(excerpt.bytes(at: $0))) }
  }

  private func cut(_ bytes: [UInt8], _ size: Int) -> [[UInt8]] {
    stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
  }

  @Test(arguments: [
    ("127.0.0.1:0", "127.0.0.1"), ("[::1]:0", "::1"), ("0.0.0.0:0", "127.0.0.2"), ("[::]:0", "127.0.0.2"),
    ("[::]:0", "::1"),
  ])
  func eachDatagramOfABurstIsEchoedCountedShownAndRecorded(place: String, host: String) async throws {
    let shown = Locked<[[UInt8]]>([])
    let observer: EchoServer.Observer = { _, bytes in shown.withLock { $0.append(Array(bytes)) } }
    try await withServer(at: place, observer: observer) { server, log in
      let ip = try #require(IPAddress(host))
      let asked = SocketAddress(ip, port: server.addresses[0].port)
      let client = try PlainSocket(at: ip.version == 4 ? "127.0.0.1:0" : "[::1]:0")
      let sent = pattern(31 * 512 + 100)
      client.sendBurst(sent, of: 512, to: asked)
      let replies = try client.receiveBurst(32)
      #expect(replies.datagrams == cut(sent, 512) && replies.sender == asked)
      let entries = try await recorded(32, in: log)
      #expect(entries.map(\.1) == cut(sent, 512))
      #expect(entries.allSatisfy { $0.0.source == client.address && $0.0.destination == asked && $0.0.fate == .echoed })
      #expect(shown.withLock { $0 } == cut(sent, 512))
      let counters = await server.counters
      #expect(counters.received == 32 && counters.echoed == 32 && counters.isBalanced)
      #expect(counters.bytesReceived == sent.count && counters.bytesEchoed == sent.count)
      #expect(!client.hasSomething)
    }
  }

  @Test func burstsAndSingleDatagramsOfTwoClientsKeepTheirOrder() async throws {
    try await withServer(at: "127.0.0.1:0") { server, log in
      let clients = try (0..<2).map { _ in try PlainSocket(at: "127.0.0.1:0") }
      clients[1].readBursts()
      var sent: [[[UInt8]]] = [[], []]
      for round in 0..<10 {
        for (index, client) in clients.enumerated() {
          let burst = (0..<50).map { UInt8(truncatingIfNeeded: $0 &+ round &* 50 &+ index &* 7) }
          let datagrams = cut(burst, 1 + (round + index) % 3 * 9)
          if round % 2 == 0 {
            client.sendBurst(burst, of: datagrams[0].count, to: server.addresses[0])
          } else {
            for datagram in datagrams { client.send(datagram, to: server.addresses[0]) }
          }
          client.send([], to: server.addresses[0])
          sent[index] += datagrams + [[]]
        }
      }
      for (client, sent) in zip(clients, sent) {
        #expect(try client.receiveBurst(sent.count).datagrams == sent)
        #expect(!client.hasSomething)
      }
      let count = sent[0].count + sent[1].count
      try await waitUntil { await server.counters.echoed == count }
      #expect(log.newest == count)
      #expect(await server.counters.isBalanced)
    }
  }

  /// The first of a burst get what the rate has left; one after them gets nothing.
  @Test func theRateIsForDatagramsAndNotForBursts() throws {
    let socket = try UDPSocket.bound(to: #require(SocketAddress("127.0.0.1:0")))
    let batch = DatagramBatch(capacity: 4, datagramSize: 2048)
    let client = try PlainSocket(at: "127.0.0.1:0")
    for _ in 0..<2 { client.sendBurst(pattern(320), of: 10, to: try socket.localAddress()) }
    try #require(try batch.receive(from: socket) == 2)
    let filter = SourceFilter(own: [], interfaces: [], broadcasts: [])
    let admission = EchoAdmission(filter: filter, limiter: Locked(RateLimiter(rate: 50)))
    let now = MonotonicTime.now()
    for (index, granted) in [32, 18].enumerated() {
      var burst = batch.burst(at: index)
      burst.source = try #require(SocketAddress("8.8.8.8:5000"))
      #expect(admission.admit(burst, at: now) == (granted, .rateLimited))
      // What is as near as loopback is without a bound.
      #expect(admission.admit(batch.burst(at: index), at: now).count == 32)
    }
  }

  @Test func impairmentsMeetEachDatagramOfABurstByItself() async throws {
    try await withServer(at: "127.0.0.1:0") { server, log in
      let client = try PlainSocket(at: "127.0.0.1:0")
      let sent = pattern(64 * 20)
      let edits: [Impairments.Edit] = [.number(.loss, 50), .number(.corrupt, 100), .seed(3)]
      try await server.impair(Impairments.Change(isWhole: true, edits: edits))
      client.sendBurst(sent, of: 20, to: server.addresses[0])
      let entries = try await recorded(64, in: log)
      #expect(entries.map(\.1) == cut(sent, 20), "as they came")
      let answered = entries.filter { $0.0.fate == .echoed }
      #expect((10..<54).contains(answered.count))
      for (_, bytes) in answered {
        let reply = try client.receive().bytes
        #expect(zip(reply, bytes).reduce(0) { $0 + ($1.0 ^ $1.1).nonzeroBitCount } == 1 && reply.count == 20)
      }
      try await server.impair(.none)
      client.sendBurst(sent, of: 20, to: server.addresses[0])
      #expect(try client.receiveBurst(64).datagrams == cut(sent, 20))
      let counters = await server.counters
      #expect(counters.received == 128 && counters.echoed == 64 + answered.count && counters.isBalanced)
      #expect(!client.hasSomething)
    }
  }

  /// More than is noted at once: the batch is dealt with in parts.
  @Test func moreDatagramsThanAreNotedAtOnceAreAllRecordedAndEchoed() async throws {
    try await withServer(at: "127.0.0.1:0") { server, log, loop in
      let gate = await loop.stand()
      let client = try PlainSocket(at: "127.0.0.1:0")
      client.readBursts()
      let count = 20 * 64
      for burst in 0..<20 { client.sendBurst(pattern(64 * 4 + burst * 64), of: 4 + burst, to: server.addresses[0]) }
      gate.signal()
      #expect(try client.receiveBurst(count).datagrams.count == count)
      try await waitUntil { log.newest == count }
      let counters = await server.counters
      #expect(counters.received == count && counters.echoed == count && counters.isBalanced)
    }
  }

  #if DEBUG
    @Test func aDatagramOfARunThatIsNotSentIsTheOneThatIsRecordedSo() async {
      await #expect(processExitsWith: .success) {
        try await withLoops(1) { loops in
          let log = DatagramLog()
          let server = try EchoServer(on: loops, addresses: [SocketAddress("127.0.0.1:0")!], log: log)
          try await server.start()
          let client = try PlainSocket(at: "127.0.0.1:0")
          let made = Locked(0)
          // The run as a whole, and then the first and the second of its datagrams.
          SystemCallFaults.follow { call in
            guard call == .sendmmsg else { return nil }
            return made.withLock {
              $0 += 1; return $0
            } <= 3 ? .noBufferSpace : nil
          }
          client.sendBurst(pattern(45), of: 10, to: server.addresses[0])
          let replies = try client.receiveBurst(3).datagrams
          precondition(replies.flatMap { $0 } == Array(pattern(45)[20...]))
          try await waitUntil { log.newest == 5 }
          var excerpt = DatagramExcerpt(capacity: 8)
          _ = log.read(after: 0, into: &excerpt)
          let failed = DatagramFate.refused(.sendFailed)
          precondition(excerpt.records.map(\.fate) == [failed, failed, .echoed, .echoed, .echoed])
          let counters = await server.counters
          precondition(counters.echoed == 3 && counters.bytesEchoed == 25 && counters.dropped == [.sendFailed: 2])
          precondition(counters.isBalanced)
          await server.stop()
        }
      }
    }
  #endif
}
