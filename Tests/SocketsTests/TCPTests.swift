import Basics
import Glibc
import Sockets
import SystemPackage
import TestSupport
import Testing

@Suite struct TCPTests {
  private func listener(_ place: String, dualStack: Bool = false) throws -> TCPListener {
    try TCPListener(on: #require(SocketAddress(place)), dualStack: dualStack)
  }

  private func option(_ descriptor: Int32, _ level: Int32, _ name: Int32) -> Int32 {
    var value: Int32 = -1
    var length = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(descriptor, level, name, &value, &length)
    return value
  }

  @Test(arguments: ["127.0.0.1:0", "[::1]:0"])
  func aConnectionIsAcceptedWithItsPeersAddress(place: String) throws {
    let listener = try listener(place)
    let address = try listener.localAddress()
    #expect(address.port != 0)
    let isEmpty = try listener.accept() == nil
    #expect(isEmpty)
    let client = try PlainSocket(SOCK_STREAM, at: place)
    #expect(address.withSockaddr { connect(client.descriptor, $0, $1) } == 0)
    readiness(of: listener.descriptor, POLLIN)
    guard let connection = try listener.accept() else {
      Issue.record("nothing to accept")
      return
    }
    #expect(connection.peer == client.address)
    #expect(fcntl(connection.descriptor.number, F_GETFL) & O_NONBLOCK != 0)
    #expect(fcntl(connection.descriptor.number, F_GETFD) & FD_CLOEXEC != 0)
    let isEmptyAgain = try listener.accept() == nil
    #expect(isEmptyAgain)
  }

  @Test func anAcceptedConnectionInheritsTheBoundOnItsSendBuffer() throws {
    let listener = try listener("127.0.0.1:0")
    let client = try TCPConnection(to: listener.localAddress(), timeout: .seconds(10))
    readiness(of: listener.descriptor, POLLIN)
    guard let connection = try listener.accept() else {
      Issue.record("nothing to accept")
      return
    }
    // The kernel doubles what was asked for, to have room for its bookkeeping (socket(7)).
    #expect(option(connection.descriptor.number, SOL_SOCKET, SO_SNDBUF) == 2 * Int32(Limits.sendBuffer))
    try client.send([1])
  }

  /// In a process of its own: one that another test starts beside this one would get a copy of the listener.
  @Test func aBusyPortIsRefusedAndOneWithOldConnectionsIsNot() async {
    await #expect(processExitsWith: .success) {
      let address = try quietAddress("127.0.0.1")
      do {
        let listener = try TCPListener(on: address)
        #expect(throws: SocketError(.bind, .addressInUse)) { _ = try TCPListener(on: address) }
        let client = try TCPConnection(to: address, timeout: .seconds(10))
        readiness(of: listener.descriptor, POLLIN)
        // The accepting side closes first, and keeps the port in TIME_WAIT.
        _ = try listener.accept()
        _ = try client.receive(upTo: 1)
      }
      _ = try TCPListener(on: address)
    }
  }

  @Test func anIPv6WildcardTakesIPv4WhereItIsDualStack() throws {
    let both = try listener("[::]:0", dualStack: true)
    let loopback = try #require(IPAddress("127.0.0.1"))
    _ = try TCPConnection(to: SocketAddress(loopback, port: both.localAddress().port), timeout: .seconds(10))
    readiness(of: both.descriptor, POLLIN)
    let peer = try both.accept()?.peer
    #expect(peer?.ip == loopback)
    let one = try listener("[::]:0")
    let port = try one.localAddress().port
    #expect(throws: SocketError(.connect, .connectionRefused)) {
      _ = try TCPConnection(to: SocketAddress(loopback, port: port), timeout: .seconds(10))
    }
  }

  @Test func theListenersDescriptorDoesNotBlockAndIsNotInherited() throws {
    let listener = try listener("127.0.0.1:0")
    #expect(fcntl(listener.descriptor, F_GETFL) & O_NONBLOCK != 0)
    #expect(fcntl(listener.descriptor, F_GETFD) & FD_CLOEXEC != 0)
  }
}

/// The connection that can wait.
@Suite final class TCPConnectionTests {
  private let server: TCPListener

  init() throws {
    server = try TCPListener(on: #require(SocketAddress("127.0.0.1:0")))
  }

  private func accepted() throws -> Int32 {
    readiness(of: server.descriptor, POLLIN)
    guard let connection = try server.accept() else {
      Issue.record("nothing to accept")
      return -1
    }
    return connection.release()
  }

  @Test func whatIsSentArrivesAndTheEndIsNoBytes() throws {
    let client = try TCPConnection(to: server.localAddress(), timeout: .seconds(10))
    try client.send(pattern(1000))
    let other = try accepted()
    readiness(of: other, POLLIN)
    var bytes = [UInt8](repeating: 0, count: 2000)
    #expect(read(other, &bytes, bytes.count) == 1000)
    #expect(Array(bytes.prefix(1000)) == pattern(1000))
    #expect(write(other, bytes, 600) == 600)
    #expect(try client.receive(upTo: 100) == Array(pattern(1000).prefix(100)))
    #expect(try client.receive(upTo: 1000) == Array(pattern(1000)[100..<600]))
    close(other)
    #expect(try client.receive(upTo: 10).isEmpty)
  }

  @Test func moreThanTheBuffersHoldIsSentWhollyToAReaderThatComesLater() async throws {
    let client = try TCPConnection(to: server.localAddress(), timeout: .seconds(300))
    let other = try accepted()
    _ = fcntl(other, F_SETFL, 0)
    let count = 20 << 20
    let reader = Task.detached {
      var total = 0
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      while total < count, case let got = read(other, &buffer, buffer.count), got > 0 { total += got }
      close(other)
      return total
    }
    try client.send([UInt8](repeating: 7, count: count))
    #expect(await reader.value == count)
  }

  @Test func silenceIsETIMEDOUTAndNotBeforeTheTime() throws {
    let started = MonotonicTime.now()
    let client = try TCPConnection(to: server.localAddress(), timeout: .milliseconds(50))
    let thrown = error { _ = try client.receive(upTo: 1) }
    #expect(thrown == SocketError(.poll, .timedOut))
    #expect(MonotonicTime.now() - started >= .milliseconds(50))
    // The time bounds everything together: what follows has none left.
    #expect(error { _ = try client.receive(upTo: 1) } == SocketError(.poll, .timedOut))
  }

  @Test func aReaderThatNeverReadsIsETIMEDOUT() throws {
    let client = try TCPConnection(to: server.localAddress(), timeout: .milliseconds(100))
    #expect(error { try client.send([UInt8](repeating: 0, count: 64 << 20)) } == SocketError(.poll, .timedOut))
  }

  @Test func aServerWhoseQueueIsFullIsETIMEDOUT() throws {
    let full = try PlainSocket(SOCK_STREAM, at: "127.0.0.1:0")
    #expect(listen(full.descriptor, 0) == 0)
    // One connection fits a queue of length 0; further ones are not answered (listen(2)).
    let address = full.address
    _ = try TCPConnection(to: address, timeout: .seconds(10))
    #expect(throws: SocketError(.poll, .timedOut)) { _ = try TCPConnection(to: address, timeout: .milliseconds(50)) }
  }

  @Test func aClosedPortIsECONNREFUSED() throws {
    let address = try quietAddress("127.0.0.1")
    #expect(throws: SocketError(.connect, .connectionRefused)) {
      _ = try TCPConnection(to: address, timeout: .seconds(10))
    }
  }

  @Test func aPeerThatIsGoneIsAnErrorAndNoSignal() throws {
    let client = try TCPConnection(to: server.localAddress(), timeout: .seconds(10))
    close(try accepted())
    var thrown: SocketError?
    for _ in 0..<1000 where thrown == nil { thrown = error { try client.send([1]) } }
    #expect(thrown.map { [.brokenPipe, .connectionReset].contains($0.errno) } == true)
  }
}
