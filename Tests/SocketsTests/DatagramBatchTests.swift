import Basics
import Glibc
import Sockets
import TestSupport
import Testing

@Suite struct DatagramBatchTests {
  private let batch = DatagramBatch(capacity: 8, datagramSize: 2048)

  private func bound(_ place: String, dualStack: Bool = false) throws -> UDPSocket {
    try UDPSocket.bound(to: #require(SocketAddress(place)), dualStack: dualStack)
  }

  /// Takes a batch once something has come.
  private func receive(_ socket: borrowing UDPSocket) throws -> [DatagramBurst] {
    readiness(of: socket.descriptor, POLLIN)
    return try (0..<batch.receive(from: socket)).map { batch.burst(at: $0) }
  }

  @Test func nothingQueuedIsAnEmptyBatch() throws {
    let socket = try bound("127.0.0.1:0")
    #expect(try batch.receive(from: socket) == 0)
    #expect(batch.count == 0)
    #expect(batch.droppedByKernel == nil)
  }

  @Test(arguments: ["127.0.0.1:0", "[::1]:0"])
  func severalDatagramsComeInOneBatchEmptyOnesIncluded(place: String) throws {
    let socket = try bound(place)
    let clients = try (0..<3).map { _ in try PlainSocket(at: place) }
    let sizes = [0, 1, 0, 2048, 7]
    let address = try socket.localAddress()
    for (index, size) in sizes.enumerated() { clients[index % 3].send(pattern(size), to: address) }
    let datagrams = try receive(socket)
    #expect(datagrams.map { Array($0.payloads.bytes) } == sizes.map(pattern))
    #expect(datagrams.map(\.source) == (0..<5).map { clients[$0 % 3].address })
    #expect(datagrams.allSatisfy { $0.destination == nil })
  }

  @Test func whatIsMoreThanABatchComesInTheNext() throws {
    let socket = try bound("127.0.0.1:0")
    let client = try PlainSocket(at: "127.0.0.1:0")
    for index in 0..<19 { client.send([UInt8(index)], to: try socket.localAddress()) }
    var seen: [UInt8] = []
    for expected in [8, 8, 3, 0] {
      let count = try batch.receive(from: socket)
      #expect(count == expected)
      for index in 0..<count { seen += Array(batch.burst(at: index).payloads.bytes) }
    }
    #expect(seen == Array(0..<19))
  }

  @Test func aDatagramLongerThanTheBufferLosesItsEndAndItsNeighboursAreWhole() throws {
    let socket = try bound("127.0.0.1:0")
    let client = try PlainSocket(at: "127.0.0.1:0")
    for size in [2048, 2049, 60_000, 5] { client.send(pattern(size), to: try socket.localAddress()) }
    let datagrams = try receive(socket)
    #expect(datagrams.map { $0.payloads.bytes.count } == [2048, 2048, 2048, 5])
    #expect(Array(datagrams[3].payloads.bytes) == pattern(5))
  }

  @Test func aShortDatagramAfterALongOneHasNothingOfIt() throws {
    let socket = try bound("127.0.0.1:0")
    let client = try PlainSocket(at: "127.0.0.1:0")
    for size in [2000, 3, 0, 2048] {
      client.send(pattern(size), to: try socket.localAddress())
      let datagrams = try receive(socket)
      #expect(datagrams.map { Array($0.payloads.bytes) } == [pattern(size)])
      batch.addReplies(to: datagrams[0], count: 1, numbered: 0)
      batch.sendReplies(on: socket) { _, _ in Issue.record("refused") }
      #expect(try client.receive().bytes == pattern(size))
    }
  }

  @Test(
    arguments: [
      ("0.0.0.0:0", false, "127.0.0.1"), ("0.0.0.0:0", false, "127.0.0.2"), ("[::]:0", true, "127.0.0.2"),
      ("[::]:0", true, "::1"), ("[::]:0", false, "::1"),
    ])
  func aWildcardAnswersFromTheAddressThatWasAsked(place: String, dualStack: Bool, asked: String) throws {
    let socket = try bound(place, dualStack: dualStack)
    let ip = try #require(IPAddress(asked))
    let asked = SocketAddress(ip, port: try socket.localAddress().port)
    let client = try PlainSocket(at: ip.version == 4 ? "127.0.0.1:0" : "[::1]:0")
    for size in [0, 5, 2000] { client.send(pattern(size), to: asked) }
    let datagrams = try receive(socket)
    #expect(datagrams.map(\.destination) == [ip, ip, ip])
    #expect(datagrams.allSatisfy { $0.source == client.address })
    for (index, datagram) in datagrams.enumerated() { batch.addReplies(to: datagram, count: 1, numbered: index) }
    batch.sendReplies(on: socket) { _, _ in Issue.record("refused") }
    for size in [0, 5, 2000] {
      let reply = try client.receive()
      #expect(reply.bytes == pattern(size))
      #expect(reply.sender == asked)
    }
  }

  @Test(arguments: [[0], [2], [4], [1, 2], [0, 4], [0, 1, 2, 3, 4]])
  func aReplyThatTheKernelRefusesIsToldAndTheOthersGoOut(refused: [Int]) throws {
    let socket = try bound("0.0.0.0:0")
    let client = try PlainSocket(at: "127.0.0.1:0")
    let address = SocketAddress(try #require(IPAddress("127.0.0.1")), port: try socket.localAddress().port)
    for index in 0..<5 { client.send(pattern(100 + index), to: address) }
    for (index, datagram) in try receive(socket).enumerated() {
      var datagram = datagram
      // Not an address of this machine, so sendmmsg(2) fails with EINVAL.
      if refused.contains(index) { datagram.destination = IPAddress("203.0.113.77") }
      batch.addReplies(to: datagram, count: 1, numbered: index)
    }
    var told: [[Int]] = []
    batch.sendReplies(on: socket) { told.append([$0, $1]) }
    #expect(told == refused.map { [$0, 100 + $0] })
    for index in 0..<5 where !refused.contains(index) { #expect(try client.receive().bytes == pattern(100 + index)) }
    #expect(!client.hasSomething)
  }

  @Test(arguments: [("0.0.0.0:0", "127.0.0.1"), ("[::1]:0", "::1"), ("[::]:0", "::1"), ("[::]:0", "127.0.0.1")])
  func aStampedSocketTellsWhenAndLosesNothingElseItTells(place: String, asked: String) throws {
    let wildcard = place.contains("0.0.0.0") || place.contains("[::]")
    let asked = try #require(IPAddress(asked))
    for isStamped in [true, false] {
      let socket = try UDPSocket.bound(
        to: #require(SocketAddress(place)), isStamped: isStamped, dualStack: wildcard && place.contains("::"))
      let client = try PlainSocket(at: asked.version == 4 ? "127.0.0.1:0" : "[::1]:0")
      let before = WallTime.now()
      for size in 1...3 { client.send(pattern(size), to: SocketAddress(asked, port: try socket.localAddress().port)) }
      let datagrams = try receive(socket)
      let times = datagrams.compactMap(\.receivedAt)
      #expect(times.count == (isStamped ? 3 : 0))
      // The wall clock can be set in between, back too.
      #expect(times.allSatisfy { abs(($0 - before).seconds) < 60 })
      #expect(datagrams.allSatisfy { $0.destination == (wildcard ? asked : nil) && $0.hopLimit != nil })
    }
  }

  @Test func aDatagramThatIsNotAnsweredIsSkippedAndRepliesGoOutOnce() throws {
    let socket = try bound("127.0.0.1:0")
    let client = try PlainSocket(at: "127.0.0.1:0")
    for index in 0..<4 { client.send([UInt8(index)], to: try socket.localAddress()) }
    for (index, datagram) in try receive(socket).enumerated() where index % 2 == 1 {
      batch.addReplies(to: datagram, count: 1, numbered: index)
    }
    for _ in 0..<2 { batch.sendReplies(on: socket) { _, _ in Issue.record("refused") } }
    #expect(try [client.receive().bytes, client.receive().bytes] == [[1], [3]])
    #expect(!client.hasSomething)
  }

  @Test func repliesThatWereNotSentAreForgottenWithTheirBatch() throws {
    let socket = try bound("127.0.0.1:0")
    let client = try PlainSocket(at: "127.0.0.1:0")
    client.send([1], to: try socket.localAddress())
    batch.addReplies(to: try receive(socket)[0], count: 1, numbered: 0)
    client.send([2], to: try socket.localAddress())
    batch.addReplies(to: try receive(socket)[0], count: 1, numbered: 0)
    batch.sendReplies(on: socket) { _, _ in Issue.record("refused") }
    #expect(try client.receive().bytes == [2])
    #expect(!client.hasSomething)
  }

  @Test func whatTheKernelDroppedIsToldByTheNextDatagram() throws {
    let socket = try bound("127.0.0.1:0")
    let client = try PlainSocket(at: "127.0.0.1:0")
    let sent = 1500
    let large = pattern(60_000)
    for _ in 0..<sent { client.send(large, to: try socket.localAddress()) }
    var received = 0
    while case let count = try batch.receive(from: socket), count > 0 { received += count }
    #expect(received < sent)
    client.send([], to: try socket.localAddress())
    #expect(try receive(socket).count == 1)
    #expect(batch.droppedByKernel == UInt32(sent - received))
  }
}
