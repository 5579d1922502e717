import Basics
import Glibc
import Sockets
import SystemPackage
import TestSupport
import Testing

/// Connected UDP sockets against plain ones of the C library.
@Suite struct ConnectedSocketTests {
  private let buffer = ReceiveBuffer()

  @Test(arguments: ["127.0.0.1:0", "[::1]:0"], [0, 1, 1472, 65_507])
  func aDatagramOfAnySizeGoesAndComesUnchanged(place: String, size: Int) throws {
    let peer = try PlainSocket(at: place)
    let socket = try UDPSocket.connected(to: peer.address)
    let local = try socket.localAddress()
    try socket.send(pattern(size))
    let sent = try peer.receive()
    #expect(sent.bytes == pattern(size))
    #expect(sent.sender == local)
    peer.send(pattern(size).reversed(), to: local)
    readiness(of: socket.descriptor, POLLIN)
    let received = try #require(try socket.receive(into: buffer))
    #expect(received.length == size)
    #expect(received.sender == peer.address)
    #expect(!received.isTruncated)
    #expect(buffer.prefix(received.length) == pattern(size).reversed())
    #expect(try socket.receive(into: buffer) == nil)
  }

  @Test(arguments: [
    ("127.0.0.1:0", Limits.largestPayloadIPv4), ("[::1]:0", Limits.largestPayloadIPv6),
  ])
  func theLargestPayloadPassesAndOneByteMoreIsEMSGSIZE(place: String, largest: Int) throws {
    let peer = try PlainSocket(at: place)
    let socket = try UDPSocket.connected(to: peer.address)
    try socket.send(pattern(largest))
    #expect(try peer.receive().bytes == pattern(largest))
    peer.send(pattern(largest), to: try socket.localAddress())
    readiness(of: socket.descriptor, POLLIN)
    #expect(try socket.receive(into: buffer)?.length == largest)
    #expect(error { try socket.send(pattern(largest + 1)) } == SocketError(.send, .messageTooLong))
    try socket.send([1])
    #expect(try peer.receive().bytes == [1])
  }

  @Test(arguments: ["127.0.0.1:0", "[::1]:0"])
  func whatAThirdPartySendsNeverReachesAConnectedSocket(place: String) throws {
    let peer = try PlainSocket(at: place)
    let stranger = try PlainSocket(at: place)
    let socket = try UDPSocket.connected(to: peer.address)
    let local = try socket.localAddress()
    for _ in 0..<10 { #expect(stranger.send([0xBA, 0xD0], to: local) == 2) }
    peer.send([7], to: local)
    readiness(of: socket.descriptor, POLLIN)
    let received = try #require(try socket.receive(into: buffer))
    #expect(received.sender == peer.address)
    #expect(buffer.prefix(received.length) == [7])
    #expect(try socket.receive(into: buffer) == nil)
  }

  @Test func anotherPortOfThePeersAddressIsAStrangerToo() throws {
    let peer = try PlainSocket(at: "127.0.0.2:0")
    let socket = try UDPSocket.connected(to: peer.address)
    let sameHost = try PlainSocket(at: "127.0.0.2:0")
    let samePort = try PlainSocket(at: "127.0.0.3:\(peer.address.port)")
    for stranger in [sameHost, samePort] { stranger.send([1], to: try socket.localAddress()) }
    #expect(try socket.receive(into: buffer) == nil)
  }

  @Test func nothingQueuedIsNoDatagramAndNoError() throws {
    let peer = try PlainSocket(at: "127.0.0.1:0")
    let socket = try UDPSocket.connected(to: peer.address)
    #expect(try socket.receive(into: buffer) == nil)
    #expect(socket.takeError() == nil)
  }

  @Test(arguments: ["127.0.0.1:0", "[::1]:0"])
  func theKernelsReceiveTimeLiesBetweenSendingAndReading(place: String) throws {
    let peer = try PlainSocket(at: place)
    let socket = try UDPSocket.connected(to: peer.address)
    let before = WallTime.now()
    peer.send([1], to: try socket.localAddress())
    readiness(of: socket.descriptor, POLLIN)
    let received = try #require(try socket.receive(into: buffer))
    // Where nobody asked for stamps before, the kernel begins with them a little later, and stamps at the reading.
    let after = WallTime.now()
    let stamp = try #require(received.receivedAt)
    #expect(stamp >= before)
    #expect(stamp <= after)
  }

  @Test func anEmptyDatagramOrAnErrorIsNoIdleness() throws {
    let peer = try PlainSocket(at: "127.0.0.1:0")
    let socket = try UDPSocket.connected(to: peer.address)
    let buffer = buffer
    let atFirst = socket.isIdle()
    peer.send([], to: try socket.localAddress())
    readiness(of: socket.descriptor, POLLIN)
    let withDatagram = socket.isIdle()
    let received = try socket.receive(into: buffer)
    let afterwards = socket.isIdle()
    #expect([atFirst, withDatagram, afterwards] == [true, false, true])
    // Looking has taken nothing away.
    #expect(received?.length == 0)
    let refused = try UDPSocket.connected(to: quietAddress("127.0.0.1"))
    try refused.send([1])
    readiness(of: refused.descriptor, POLLIN)
    let withError = refused.isIdle()
    #expect(!withError)
    #expect(refused.takeError()?.errno == .connectionRefused)
  }

  @Test func manyQueuedDatagramsKeepTheirOrder() throws {
    let peer = try PlainSocket(at: "127.0.0.1:0")
    let socket = try UDPSocket.connected(to: peer.address)
    for index in 0..<100 { peer.send(pattern(index), to: try socket.localAddress()) }
    readiness(of: socket.descriptor, POLLIN)
    for index in 0..<100 { #expect(try socket.receive(into: buffer)?.length == index) }
  }

  @Test func aBroadcastAddressIsRefusedByTheKernel() throws {
    let everyone = try #require(SocketAddress("255.255.255.255:9"))
    #expect(throws: SocketError(.connect, .permissionDenied)) { _ = try UDPSocket.connected(to: everyone) }
  }

  @Test func itDoesNotBlockAndIsNotInherited() throws {
    let socket = try UDPSocket.connected(to: PlainSocket(at: "127.0.0.1:0").address)
    #expect(fcntl(socket.descriptor, F_GETFL) & O_NONBLOCK != 0)
    #expect(fcntl(socket.descriptor, F_GETFD) & FD_CLOEXEC != 0)
  }
}

/// What ICMP says of the peer.
@Suite struct ReportedErrorTests {
  private static let unreachable = [
    ("127.0.0.1", "ICMPv4 type 3 code 3"), ("[::1]", "ICMPv6 type 1 code 4"),
  ]

  private func name(_ message: ReportedError.ICMP?) -> String? {
    message.map { "ICMPv\($0.version) type \($0.type) code \($0.code)" }
  }

  @Test(arguments: unreachable)
  func aClosedPortIsReportedOnceWithItsICMPMessage(host: String, icmp: String) throws {
    let socket = try UDPSocket.connected(to: quietAddress(host))
    try socket.send([1])
    #expect(readiness(of: socket.descriptor, POLLIN) & POLLERR != 0)
    let reported = socket.takeError()
    #expect(reported?.errno == .connectionRefused)
    #expect(name(reported?.icmp) == icmp)
    #expect(readiness(of: socket.descriptor, POLLIN, milliseconds: 0) == 0)
    #expect(socket.takeError() == nil)
    #expect(try socket.receive(into: ReceiveBuffer()) == nil)
  }

  @Test(arguments: unreachable)
  func manyReportsAreTakenAtOnceAndTheSocketIsQuietAfterwards(host: String, icmp: String) throws {
    let socket = try UDPSocket.connected(to: quietAddress(host))
    var reports = 0
    for _ in 0..<10 where error({ try socket.send(pattern(300)) }) == nil { reports += 1 }
    #expect(reports > 1)
    #expect(name(socket.takeError()?.icmp) == icmp)
    #expect(readiness(of: socket.descriptor, POLLIN, milliseconds: 0) == 0)
    #expect(socket.takeError() == nil)
  }

  @Test func afterAReportTheSocketServesAgain() throws {
    let address = try quietAddress("127.0.0.1")
    let socket = try UDPSocket.connected(to: address)
    try socket.send([1])
    #expect(socket.takeError()?.errno == .connectionRefused)
    let peer = try PlainSocket(at: address.description)
    try socket.send([2])
    #expect(try peer.receive().bytes == [2])
  }

  @Test func aReportIsThrownByReceiveWhereNobodyTookIt() throws {
    let socket = try UDPSocket.connected(to: quietAddress("127.0.0.1"))
    try socket.send([1])
    readiness(of: socket.descriptor, POLLIN)
    #expect(error { _ = try socket.receive(into: ReceiveBuffer()) } == SocketError(.recvmsg, .connectionRefused))
    #expect(socket.takeError()?.errno == .connectionRefused)
    #expect(readiness(of: socket.descriptor, POLLIN, milliseconds: 0) == 0)
  }
}
