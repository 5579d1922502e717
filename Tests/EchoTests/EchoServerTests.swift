import Basics
import Echo
import EventLoop
import Foundation
import Sockets
import TestSupport
import Testing

/// The server over real sockets and two loops.
@Suite struct EchoServerTests {
  private static let places = ["127.0.0.1:0", "[::1]:0"]

  @Test(arguments: [("127.0.0.1:0", 65_507), ("[::1]:0", 65_527)])
  func datagramsOfEverySizeComeBackUnchanged(place: String, largest: Int) async throws {
    try await withEcho(at: [place]) { server in
      let client = try PlainSocket(at: place)
      let sizes = [0, 1, 2, 512, 1472, 1473, 9000, 65_000, largest - 1, largest]
      for size in sizes {
        client.send(pattern(size), to: server.addresses[0])
        let reply = try client.receive()
        #expect(reply.bytes == pattern(size))
        #expect(reply.sender == server.addresses[0])
      }
      try await waitUntil { await server.counters.echoed == sizes.count }
      let counters = await server.counters
      #expect(counters.received == sizes.count)
      #expect(counters.bytesReceived == sizes.reduce(0, +) && counters.bytesEchoed == sizes.reduce(0, +))
      #expect(counters.dropped.isEmpty && counters.isBalanced)
    }
  }

  @Test func itListensOnSeveralAddressesAndKnowsTheirPorts() async throws {
    let places = ["127.0.0.1:0", "[::1]:0", "127.0.0.2:0"]
    try await withEcho(at: places) { server in
      #expect(server.addresses.map(\.ip) == places.map { SocketAddress($0)!.ip })
      #expect(server.addresses.allSatisfy { $0.port != 0 })
      for (index, address) in server.addresses.enumerated() {
        let client = try PlainSocket(at: address.ip.version == 4 ? "127.0.0.1:0" : "[::1]:0")
        client.send(pattern(index), to: address)
        let reply = try client.receive()
        #expect(reply.bytes == pattern(index))
        #expect(reply.sender == address)
      }
    }
  }

  @Test func manyClientsGetTheirOwnDatagramsBackEachOnce() async throws {
    try await withEcho(at: ["127.0.0.1:0"]) { server in
      let clients = try (0..<20).map { _ in try PlainSocket(at: "127.0.0.1:0") }
      for round in 0..<20 {
        for (index, client) in clients.enumerated() {
          client.send([UInt8(index), UInt8(round)], to: server.addresses[0])
        }
      }
      for (index, client) in clients.enumerated() {
        for round in 0..<20 { #expect(try client.receive().bytes == [UInt8(index), UInt8(round)]) }
      }
      try await waitUntil { await server.counters.echoed == 400 }
      #expect(clients.allSatisfy { !$0.hasSomething })
      #expect(await server.counters.isBalanced)
    }
  }

  @Test(
    arguments: [
      ("0.0.0.0:0", "127.0.0.2", "127.0.0.1:0"), ("[::]:0", "127.0.0.2", "127.0.0.1:0"), ("[::]:0", "::1", "[::1]:0"),
    ])
  func onAWildcardTheReplyComesFromTheAddressThatWasAsked(place: String, asked: String, client: String) async throws {
    try await withEcho(at: [place]) { server in
      let asked = SocketAddress(try #require(IPAddress(asked)), port: server.addresses[0].port)
      let client = try PlainSocket(at: client)
      for size in [0, 100, 20_000] {
        client.send(pattern(size), to: asked)
        let reply = try client.receive()
        #expect(reply.bytes == pattern(size))
        #expect(reply.sender == asked)
      }
    }
  }

  @Test func bothWildcardsListenOnOnePortSideBySide() async throws {
    let port = try quietAddress("0.0.0.0").port
    try await withEcho(at: ["0.0.0.0:\(port)", "[::]:\(port)"]) { server in
      for place in ["127.0.0.1", "[::1]"] {
        let client = try PlainSocket(at: place + ":0")
        let asked = try #require(SocketAddress("\(place):\(port)"))
        client.send([1], to: asked)
        #expect(try client.receive().sender == asked)
      }
    }
  }

  @Test func everyAnsweredDatagramIsShownAndNoOther() async throws {
    let shown = Locked<[SocketAddress: [[UInt8]]]>([:])
    let observer: EchoServer.Observer = { source, bytes in
      shown.withLock { $0[source, default: []].append(Array(bytes)) }
    }
    try await withEcho(at: Self.places, observer: observer) { server in
      let clients = try Self.places.map { try PlainSocket(at: $0) }
      for size in [0, 3, 1472, 65_507] {
        for (client, address) in zip(clients, server.addresses) {
          client.send(pattern(size), to: address)
          _ = try client.receive()
        }
      }
      let seen = shown.withLock { $0 }
      #expect(Set(seen.keys) == Set(clients.map(\.address)))
      for client in clients { #expect(seen[client.address] == [0, 3, 1472, 65_507].map(pattern)) }
    }
  }

  @Test func aBusyPortIsNamedInTheErrorAndTheOtherPortsAreFreeAgain() async throws {
    try await withLoops(2) { loops in
      let holder = try PlainSocket(at: "127.0.0.1:0")
      let busy = holder.address
      let free = try quietAddress("127.0.0.1")
      let error = #expect(throws: BindError.self) { try EchoServer(on: loops, addresses: [free, busy]) }
      #expect(error?.description == "cannot listen on UDP \(busy): Address already in use")
      _ = try PlainSocket(at: free.description)
      withExtendedLifetime(holder) {}
    }
  }

  @Test func aSecondServerOnThePortIsRefused() async throws {
    try await withEcho(at: ["127.0.0.1:0"]) { server in
      try await withLoops(1) { loops in
        let error = #expect(throws: BindError.self) { try EchoServer(on: loops, addresses: server.addresses) }
        #expect(error?.cause.errno == .addressInUse)
      }
    }
  }

  @Test func itAnswersFromItsStartOnWhatCameBefore() async throws {
    try await withLoops(2) { loops in
      let server = try EchoServer(on: loops, addresses: [#require(SocketAddress("127.0.0.1:0"))])
      let client = try PlainSocket(at: "127.0.0.1:0")
      client.send([1, 2, 3], to: server.addresses[0])
      for loop in loops { await loop.settle() }
      #expect(!client.hasSomething)
      #expect(await server.counters == EchoCounters())
      try await server.start()
      #expect(try client.receive().bytes == [1, 2, 3])
      await server.stop()
    }
  }
}
