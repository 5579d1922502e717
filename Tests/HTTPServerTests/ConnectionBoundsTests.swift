import Basics
import Sockets
import TestSupport
import Testing

@testable import HTTPServer

@Suite struct ConnectionBoundsTests {
  private let loopback = IPAddress("127.0.0.1")!
  private let other = IPAddress("203.0.113.9")!

  @Test func asManyAsTheLimitAreServedThenSomeAreToldThenAllAreClosed() {
    var bounds = ConnectionBounds(limit: 3)
    for _ in 0..<3 { #expect(bounds.open(from: loopback) == .served) }
    for _ in 0..<256 { #expect(bounds.open(from: loopback) == .refused(.tooManyConnections(limit: 3))) }
    for closed in 1...5 {
      #expect(bounds.open(from: loopback) == .closed)
      #expect(bounds.closedCount == closed && bounds.count == 259)
    }
    for _ in 0..<257 { bounds.close(from: loopback) }
    #expect(bounds.open(from: loopback) == .served)
  }

  @Test func oneClientBeyondLoopbackHasAQuarterAndOthersTheRest() {
    var bounds = ConnectionBounds(limit: 400)
    for _ in 0..<100 { #expect(bounds.open(from: other) == .served) }
    for _ in 0..<16 { #expect(bounds.open(from: other) == .refused(.tooManyConnectionsOfClient(limit: 100))) }
    #expect(bounds.open(from: other) == .closed)
    #expect(bounds.open(from: IPAddress("203.0.113.10")!) == .served)
    for _ in 0..<283 { #expect(bounds.open(from: loopback) == .served) }
    #expect(bounds.open(from: loopback) == .refused(.tooManyConnections(limit: 400)))
    for _ in 0..<17 { bounds.close(from: other) }
    bounds.close(from: loopback)
    #expect(bounds.open(from: other) == .served)
  }

  @Test func anIPv6NetworkOfOneHostIsOneClientAndAMappedAddressIsItsIPv4() {
    var bounds = ConnectionBounds(limit: 4)
    #expect(bounds.open(from: IPAddress("2001:db8::1")!) == .served)
    #expect(bounds.open(from: IPAddress("2001:db8::ffff:2")!) == .refused(.tooManyConnectionsOfClient(limit: 1)))
    #expect(bounds.open(from: IPAddress("2001:db8:0:1::1")!) == .served)
    #expect(bounds.open(from: other) == .served)
    #expect(bounds.open(from: IPAddress("::ffff:203.0.113.9")!) != .served)
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func whateverComesAndGoesTheCountsAreThoseOfTheOpenOnes(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var bounds = ConnectionBounds(limit: 40)
    let clients = (0..<8).map { IPAddress("198.51.100.\($0)")! } + [loopback]
    var open: [IPAddress] = []
    for _ in 0..<20_000 {
      if Bool.random(using: &random), let index = open.indices.randomElement(using: &random) {
        bounds.close(from: open.remove(at: index))
      } else {
        let client = clients.randomElement(using: &random)!
        let mine = open.count { $0 == client }
        let isServed = open.count < 40 && (client.isLoopback || mine < 10)
        let admission = bounds.open(from: client)
        #expect((admission == .served) == isServed)
        if admission != .closed { open.append(client) }
      }
      #expect(bounds.count == open.count)
    }
    for client in open { bounds.close(from: client) }
    #expect(Mirror(reflecting: bounds).descendant("clients") as? [UInt64: Int] == [:])
  }
}
