import Glibc
import Sockets
import SystemPackage
import TestSupport
import Testing

/// Who may have a port beside whom.
@Suite struct BoundSocketTests {
  @Test(arguments: ["127.0.0.1:0", "[::1]:0", "0.0.0.0:0", "[::]:0"])
  func aSecondFirstIsRefusedAndOthersOfTheGroupJoin(place: String) throws {
    let first = try UDPSocket.bound(to: #require(SocketAddress(place)))
    let address = try first.localAddress()
    #expect(address.port != 0)
    #expect(throws: SocketError(.bind, .addressInUse)) { _ = try UDPSocket.bound(to: address, sharing: .first) }
    let second = try UDPSocket.bound(to: address, sharing: .joining)
    let third = try UDPSocket.bound(to: address, sharing: .joining)
    #expect(try second.localAddress() == address)
    #expect(try third.localAddress() == address)
    #expect(throws: SocketError(.bind, .addressInUse)) { _ = try UDPSocket.bound(to: address, sharing: .first) }
  }

  @Test func aWildcardIsRefusedWhereOneAddressHasThePortAndTheOtherWayRound() throws {
    let one = try UDPSocket.bound(to: #require(SocketAddress("127.0.0.1:0")))
    let port = try one.localAddress().port
    #expect(throws: SocketError(.bind, .addressInUse)) {
      _ = try UDPSocket.bound(to: #require(SocketAddress("0.0.0.0:\(port)")))
    }
    let all = try UDPSocket.bound(to: #require(SocketAddress("0.0.0.0:0")))
    let another = try all.localAddress().port
    #expect(throws: SocketError(.bind, .addressInUse)) {
      _ = try UDPSocket.bound(to: #require(SocketAddress("127.0.0.1:\(another)")))
    }
  }

  @Test func anotherProgramsPortIsNotJoined() throws {
    let other = try PlainSocket(at: "127.0.0.1:0")
    let address = other.address
    for sharing in [UDPSocket.PortSharing.first, .joining] {
      #expect(throws: SocketError(.bind, .addressInUse)) { _ = try UDPSocket.bound(to: address, sharing: sharing) }
    }
  }

  @Test func whatIsNotOursToBindIsRefused() throws {
    let foreign = try #require(SocketAddress("203.0.113.77:0"))
    #expect(throws: SocketError(.bind, .addressNotAvailable)) { _ = try UDPSocket.bound(to: foreign) }
    #expect(throws: SocketError(.bind, .addressNotAvailable)) { _ = try TCPListener(on: foreign) }
  }

  @Test func anIPv6WildcardLeavesIPv4AloneUnlessItIsDualStack() throws {
    // Ports that no test beside this one is given meanwhile.
    let alone = try #require(SocketAddress("[::]:\(quietAddress("0.0.0.0").port)"))
    let v6 = try UDPSocket.bound(to: alone, dualStack: false)
    #expect(try v6.localAddress() == alone)
    _ = try PlainSocket(at: "0.0.0.0:\(alone.port)")
    let shared = try #require(SocketAddress("[::]:\(quietAddress("0.0.0.0").port)"))
    let both = try UDPSocket.bound(to: shared, dualStack: true)
    #expect(try both.localAddress() == shared)
    #expect(throws: SocketError(.bind, .addressInUse)) {
      _ = try UDPSocket.bound(to: #require(SocketAddress("0.0.0.0:\(shared.port)")))
    }
  }

  /// In a process of its own: one that another test starts beside this one would get copies of the sockets.
  @Test func aPortIsFreeAgainWhenItsSocketsAreGone() async {
    await #expect(processExitsWith: .success) {
      let address = try quietAddress("127.0.0.1")
      do {
        let first = try UDPSocket.bound(to: address)
        #expect(try first.localAddress() == address)
        _ = try UDPSocket.bound(to: address, sharing: .joining)
      }
      _ = try UDPSocket.bound(to: address, sharing: .first)
    }
  }
}
