import Glibc
import Sockets
import TestSupport
import Testing

/// Bursts over real sockets: several datagrams are one read, and one write.
@Suite struct BurstTests {
  private let batch = DatagramBatch(capacity: 8, datagramSize: 65_535)

  private func receive(_ socket: borrowing UDPSocket) throws -> [DatagramBurst] {
    readiness(of: socket.descriptor, POLLIN)
    return try (0..<batch.receive(from: socket)).map { batch.burst(at: $0) }
  }

  private func answer(_ bursts: [DatagramBurst], on socket: borrowing UDPSocket) {
    for burst in bursts { batch.addReplies(to: burst, count: burst.payloads.count) }
    batch.sendReplies(on: socket) { _, _ in Issue.record("refused") }
  }

  @Test(arguments: ["127.0.0.1:0", "[::1]:0"], [(32, 512, 512), (5, 100, 1), (2, 30_000, 29_999), (64, 1, 1)])
  func aBurstIsOneReadAndOneWrite(place: String, shape: (count: Int, size: Int, last: Int)) throws {
    let socket = try UDPSocket.bound(to: #require(SocketAddress(place)))
    let (client, address) = (try PlainSocket(at: place), try socket.localAddress())
    client.readBursts()
    let sent = pattern((shape.count - 1) * shape.size + shape.last)
    #expect(client.sendBurst(sent, of: shape.size, to: address) == sent.count)
    let bursts = try receive(socket)
    #expect(bursts.count == 1)
    #expect(bursts[0].payloads.count == shape.count && bursts[0].payloads.size == shape.size)
    #expect(bursts[0].source == client.address)
    answer(bursts, on: socket)
    let (replies, reads, sender) = try client.receiveBurst(shape.count)
    #expect(replies.flatMap { $0 } == sent && replies.dropLast().allSatisfy { $0.count == shape.size })
    #expect(reads == 1 && sender == address)
    #expect(!client.hasSomething)
  }

  /// Whoever reads them one by one gets them one by one.
  @Test func aReaderThatKnowsNothingOfBurstsGetsDatagrams() throws {
    let socket = try UDPSocket.bound(to: #require(SocketAddress("127.0.0.1:0")))
    let client = try PlainSocket(at: "127.0.0.1:0")
    client.sendBurst(pattern(2100), of: 500, to: try socket.localAddress())
    answer(try receive(socket), on: socket)
    for start in stride(from: 0, to: 2100, by: 500) {
      #expect(try client.receive().bytes == Array(pattern(2100)[start..<min(start + 500, 2100)]))
    }
    #expect(!client.hasSomething)
  }

  /// Datagrams that were sent one by one leave as one where they follow one another to one client.
  @Test(arguments: [
    ([10, 10, 10, 10], 1), ([10, 10, 4], 1), ([10, 4, 10, 10], 2), ([10, 10, 4, 4], 2), ([4, 10], 2),
    ([0, 0, 10, 0], 4),
    ([30_000, 30_000, 30_000], 2), ([65_507, 65_507], 2),
  ])
  func equalRepliesToOneClientAreOneWrite(sizes: [Int], reads: Int) throws {
    let socket = try UDPSocket.bound(to: #require(SocketAddress("127.0.0.1:0")))
    let client = try PlainSocket(at: "127.0.0.1:0")
    client.readBursts()
    for size in sizes { client.send(pattern(size), to: try socket.localAddress()) }
    answer(try receive(socket), on: socket)
    let replies = try client.receiveBurst(sizes.count)
    #expect(replies.datagrams == sizes.map(pattern))
    #expect(replies.reads == reads)
    #expect(!client.hasSomething)
  }

  @Test func theRepliesToTwoClientsAreTheirOwnInTheirOrder() throws {
    let socket = try UDPSocket.bound(to: #require(SocketAddress("127.0.0.1:0")))
    let clients = try (0..<2).map { _ in try PlainSocket(at: "127.0.0.1:0") }
    let bursts = (0..<6).map { number in (0..<100).map { UInt8(truncatingIfNeeded: number * 100 + $0) } }
    for (number, burst) in bursts.enumerated() {
      clients[number % 2].sendBurst(burst, of: 20, to: try socket.localAddress())
    }
    answer(try receive(socket), on: socket)
    for (index, client) in clients.enumerated() {
      let sent = bursts.enumerated().filter { $0.offset % 2 == index }.flatMap(\.element)
      #expect(try client.receiveBurst(15).datagrams.flatMap { $0 } == sent)
      #expect(!client.hasSomething)
    }
  }

  @Test(
    arguments: [
      ("0.0.0.0:0", false, "127.0.0.2"), ("[::]:0", true, "127.0.0.2"), ("[::]:0", false, "::1"),
    ])
  func aWildcardAnswersBurstsFromTheAddressesThatWereAsked(place: String, dualStack: Bool, asked: String) throws {
    let socket = try UDPSocket.bound(to: #require(SocketAddress(place)), isStamped: true, dualStack: dualStack)
    let ip = try #require(IPAddress(asked))
    let port = try socket.localAddress().port
    let client = try PlainSocket(at: ip.version == 4 ? "127.0.0.1:0" : "[::1]:0")
    client.sendBurst(pattern(2000), of: 300, to: SocketAddress(ip, port: port))
    let bursts = try receive(socket)
    #expect(bursts.map(\.destination) == [ip] && bursts[0].receivedAt != nil && bursts[0].hopLimit != nil)
    #expect(bursts[0].payloads.count == 7)
    answer(bursts, on: socket)
    let (replies, _, sender) = try client.receiveBurst(7)
    #expect(replies.flatMap { $0 } == pattern(2000))
    #expect(sender == SocketAddress(ip, port: port))
  }

  /// Both bursts are of one receipt, and alike in all but their clients and the addresses that these asked.
  @Test(arguments: ["0.0.0.0:0", "[::]:0"])
  func burstsOfOneReceiptToTwoAddressesAreAnsweredFromTheirOwn(place: String) throws {
    let socket = try UDPSocket.bound(to: #require(SocketAddress(place)), dualStack: place.hasPrefix("["))
    let port = try socket.localAddress().port
    let asked = try ["127.0.0.2", "127.0.0.3"].map { SocketAddress(try #require(IPAddress($0)), port: port) }
    let clients = try asked.map { _ in try PlainSocket(at: "127.0.0.1:0") }
    let sent = [pattern(640), pattern(640).reversed()]
    for (index, client) in clients.enumerated() {
      client.readBursts()
      client.sendBurst(sent[index], of: 20, to: asked[index])
    }
    let bursts = try receive(socket)
    #expect(bursts.map(\.destination) == asked.map(\.ip) && bursts.map(\.source) == clients.map(\.address))
    answer(bursts, on: socket)
    for (index, client) in clients.enumerated() {
      let (replies, reads, sender) = try client.receiveBurst(32)
      #expect(replies.flatMap { $0 } == sent[index] && reads == 1 && sender == asked[index])
      #expect(!client.hasSomething)
    }
  }

  /// A service manager's socket, made and bound elsewhere, does all that one of our own does.
  @Test(arguments: [("127.0.0.1:0", "127.0.0.1"), ("0.0.0.0:0", "127.0.0.2"), ("[::]:0", "::1")])
  func anInheritedSocketReadsAndWritesBurstsToo(place: String, asked: String) throws {
    let maker = try PlainSocket(at: place)
    let inherited = try InheritedSocket(inspecting: dup(maker.descriptor))
    let socket = try UDPSocket.inheriting(inherited, hopLimit: 47, isStamped: true)
    let ip = try #require(IPAddress(asked))
    let address = SocketAddress(ip, port: inherited.address.port)
    let client = try PlainSocket(at: ip.version == 4 ? "127.0.0.1:0" : "[::1]:0")
    client.readBursts()
    client.sendBurst(pattern(950), of: 100, to: address)
    let bursts = try receive(socket)
    #expect(bursts.count == 1 && bursts[0].payloads.count == 10)
    #expect(bursts[0].receivedAt != nil && bursts[0].hopLimit != nil)
    #expect(bursts[0].destination == (inherited.address.ip.isUnspecified ? ip : nil))
    answer(bursts, on: socket)
    let (replies, reads, sender) = try client.receiveBurst(10)
    #expect(replies.flatMap { $0 } == pattern(950) && reads == 1 && sender == address)
  }

  /// Two addresses of the server are two senders, though one client asks both.
  @Test func repliesFromTwoAddressesAreNoRun() throws {
    let socket = try UDPSocket.bound(to: #require(SocketAddress("0.0.0.0:0")))
    let client = try PlainSocket(at: "127.0.0.1:0")
    client.readBursts()
    let port = try socket.localAddress().port
    let hosts = try ["127.0.0.1", "127.0.0.2", "127.0.0.2", "127.0.0.1"].map { try #require(IPAddress($0)) }
    for host in hosts { client.send([1, 2, 3], to: SocketAddress(host, port: port)) }
    answer(try receive(socket), on: socket)
    for (host, count) in [(hosts[0], 1), (hosts[1], 2), (hosts[0], 1)] {
      let replies = try client.receiveBurst(count)
      #expect(replies.reads == 1 && replies.datagrams.count == count)
      #expect(replies.sender == SocketAddress(host, port: port))
    }
  }

  /// A newer kernel takes 128, but 64 is what they all take.
  @Test(arguments: [(32, 1), (33, 2)])
  func aRunHasNoMoreDatagramsThanEveryKernelTakes(count: Int, reads: Int) throws {
    let socket = try UDPSocket.bound(to: #require(SocketAddress("127.0.0.1:0")))
    let client = try PlainSocket(at: "127.0.0.1:0")
    client.readBursts()
    for _ in 0..<2 { client.sendBurst(pattern(count * 10), of: 10, to: try socket.localAddress()) }
    answer(try receive(socket), on: socket)
    let replies = try client.receiveBurst(2 * count)
    #expect(replies.datagrams.flatMap { $0 } == pattern(count * 10) + pattern(count * 10))
    #expect(replies.reads == reads)
  }

  @Test func onlyTheFirstOfABurstMayBeAnswered() throws {
    let socket = try UDPSocket.bound(to: #require(SocketAddress("127.0.0.1:0")))
    let client = try PlainSocket(at: "127.0.0.1:0")
    client.sendBurst(pattern(95), of: 10, to: try socket.localAddress())
    client.sendBurst(pattern(10), of: 10, to: try socket.localAddress())
    let bursts = try receive(socket)
    batch.addReplies(to: bursts[0], count: 3)
    batch.addReplies(to: bursts[1], count: 1)
    batch.sendReplies(on: socket) { _, _ in Issue.record("refused") }
    #expect(try client.receiveBurst(4).datagrams.flatMap { $0 } == Array(pattern(30)) + pattern(10))
    #expect(!client.hasSomething)
  }

  /// sendmmsg(2) fails with EINVAL where the sender is to be an address that this machine has not: each datagram of the
  /// run is told, and nothing is concluded about runs.
  @Test func aRunThatTheKernelRefusesIsToldDatagramByDatagram() throws {
    let socket = try UDPSocket.bound(to: #require(SocketAddress("0.0.0.0:0")))
    let client = try PlainSocket(at: "127.0.0.1:0")
    client.readBursts()
    let address = SocketAddress(try #require(IPAddress("127.0.0.1")), port: try socket.localAddress().port)
    for _ in 0..<2 {
      client.sendBurst(pattern(250), of: 100, to: address)
      client.sendBurst(pattern(360), of: 120, to: address)
      var bursts = try receive(socket)
      bursts[0].destination = IPAddress("203.0.113.77")
      batch.addReplies(to: bursts[0], count: 3, numbered: 40)
      batch.addReplies(to: bursts[1], count: 3, numbered: 43)
      var told: [[Int]] = []
      batch.sendReplies(on: socket) { told.append([$0, $1]) }
      #expect(told == [[40, 100], [41, 100], [42, 50]])
      let replies = try client.receiveBurst(3)
      #expect(replies.reads == 1 && replies.datagrams.flatMap { $0 } == pattern(360))
    }
  }
}
