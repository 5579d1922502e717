import Echo
import EventLoop
import Glibc
import Sockets
import TestSupport
import Testing

/// Two servers that are set on each other: a datagram that one gets with the other's address as its source.
@Suite struct EchoLoopTests {
  @Test(arguments: ["127.0.0.1:0", "[::1]:0"])
  func aForgedDatagramBetweenTwoServersGoesNoFurtherThanTheFirstAnswer(place: String) async throws {
    try await withEcho(at: [place]) { victim in
      try await withLoops(1) { loops in
        let server = try EchoServer(on: loops, addresses: victim.addresses.map { SocketAddress($0.ip, port: 0) })
        try await server.start()
        // What it is sent waits until the forger, who has the victim's port too, is gone and gets no answer.
        let gate = await loops[0].stand()
        for index in 0..<10 { try forge(from: victim.addresses[0], to: server.addresses[0], pattern(index)) }
        gate.signal()
        try await waitUntil { await victim.counters.received == 10 }
        #expect(await victim.counters.dropped == [.ownAddress: 10])
        try await waitUntil { await server.counters.echoed == 10 }
        await loops[0].settle()
        #expect(await server.counters.received == 10)
        await server.stop()
      }
    }
  }

  private func forge(from source: SocketAddress, to destination: SocketAddress, _ bytes: [UInt8]) throws {
    let forger = try PlainSocket(at: source.description, options: [SO_REUSEPORT])
    #expect(forger.send(bytes, to: destination) == bytes.count)
  }

  /// IPv4 on a socket of IPv6 has options of its own.
  @Test(arguments: [("0.0.0.0:0", "127.0.0.1"), ("[::]:0", "::1"), ("[::]:0", "127.0.0.1")])
  func answersLeaveAWildcardAddressWithTheirHopLimitToo(place: String, host: String) async throws {
    try await withEcho(at: [place]) { first in
      try await withEcho(at: [place]) { second in
        let ip = try #require(IPAddress(host))
        let client = try PlainSocket(at: SocketAddress(ip, port: 0).description)
        client.setOption(Int32(IPPROTO_IP), IP_RECVTTL, 1)
        client.setOption(Int32(IPPROTO_IPV6), IPV6_RECVHOPLIMIT, 1)
        client.send([1], to: SocketAddress(ip, port: first.addresses[0].port))
        #expect(try client.receiveHopLimit() == 47)
        // What leaves with this hop limit is no message.
        client.setOption(Int32(IPPROTO_IP), IP_TTL, 47)
        client.setOption(Int32(IPPROTO_IPV6), IPV6_UNICAST_HOPS, 47)
        client.send([2], to: SocketAddress(ip, port: second.addresses[0].port))
        try await waitUntil { await second.counters.dropped == [.ownAddress: 1] }
        #expect(!client.hasSomething)
      }
    }
  }
}
