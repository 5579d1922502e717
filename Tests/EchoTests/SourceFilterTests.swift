import Echo
import Sockets
import Testing

@Suite struct SourceFilterTests {
  /// At one address, on a wildcard of each version, and with another port at a third place.
  private static let filter = SourceFilter(
    own: ["127.0.0.1:9999", "[::1]:9999", "0.0.0.0:7000", "[::]:7001", "192.0.2.2:5000"].map { SocketAddress($0)! },
    interfaces: Set(["127.0.0.1", "::1", "192.0.2.2", "fe80::2%lo"].map { IPAddress($0)! }),
    broadcasts: Set(["192.0.2.255", "10.255.255.255"].map { IPAddress($0)! }))

  private func reason(_ source: String, _ destination: String? = nil) throws -> DropReason? {
    let source = try #require(SocketAddress(source))
    return Self.filter.refusal(source: source, destination: try destination.map { try #require(IPAddress($0)) })
  }

  @Test(arguments: UInt16.min...1024)
  func portsBelow1024AreNotAnswered(port: UInt16) {
    for ip in ["192.0.2.9", "127.0.0.1", "2001:db8::9", "::1"] {
      let source = SocketAddress(IPAddress(ip)!, port: port)
      let reason = Self.filter.refusal(source: source, destination: nil)
      #expect(reason == (port < 1024 ? .lowSourcePort : nil))
    }
  }

  @Test(
    arguments: [
      "192.0.2.9:1024", "192.0.2.9:65535", "192.0.2.9:9999", "192.0.2.9:7000", "127.0.0.1:9998", "127.0.0.2:9999",
      "[2001:db8::9]:7001", "[2001:db8::9]:9999", "[::1]:9998", "192.0.2.2:9999", "192.0.2.2:5001", "192.0.2.254:5000",
      "169.254.1.1:4000", "[fe80::1%lo]:4000", "10.0.0.1:4000", "[::ffff:10.0.0.1]:4000", "223.255.255.255:4000",
      "[fec0::1]:4000",
    ])
  func aHostIsAnswered(source: String) throws {
    #expect(try reason(source) == nil)
    #expect(try reason(source, "192.0.2.2") == nil)
    #expect(try reason(source, "::1") == nil)
  }

  @Test(
    arguments: [
      "127.0.0.1:9999", "[::1]:9999", "192.0.2.2:5000", "[::ffff:127.0.0.1]:9999",
      // On a wildcard the server is at each address of the machine, and at all of 127.0.0.0/8.
      "192.0.2.2:7000", "127.0.0.1:7000", "127.0.0.2:7000", "127.255.255.254:7000", "[::ffff:192.0.2.2]:7000",
      "[::1]:7001", "[fe80::2%lo]:7001", "127.0.0.1:7001", "192.0.2.2:7001", "127.9.9.9:7001",
    ])
  func theServersOwnAddressIsNotAnswered(source: String) throws {
    #expect(try reason(source) == .ownAddress)
    #expect(try reason(source, "127.0.0.1") == .ownAddress)
  }

  @Test(
    arguments: [
      "255.255.255.255:4000", "192.0.2.255:4000", "10.255.255.255:4000", "224.0.0.1:4000", "239.255.255.255:4000",
      "0.0.0.0:4000", "0.0.0.1:4000", "0.255.255.255:4000", "240.0.0.1:4000", "255.255.255.254:4000",
      "[ff02::1]:4000", "[ff0e::1]:4000", "[::]:4000", "[::ffff:224.0.0.1]:4000", "[::ffff:255.255.255.255]:4000",
      "[::ffff:192.0.2.255]:4000", "255.255.255.255:9999", "0.0.0.0:7000",
    ])
  func aSourceThatIsNoSingleHostIsNotAnswered(source: String) throws {
    #expect(try reason(source) == .badSource)
    #expect(try reason(source, "192.0.2.2") == .badSource)
  }

  @Test(
    arguments: [
      "255.255.255.255", "192.0.2.255", "10.255.255.255", "224.0.0.251", "239.1.1.1", "ff02::1", "ff05::2",
      "::ffff:224.0.0.1",
      "::ffff:192.0.2.255",
    ])
  func whatWasSentToManyIsNotAnswered(destination: String) throws {
    #expect(try reason("192.0.2.9:4000", destination) == .badDestination)
    #expect(try reason("[2001:db8::9]:4000", destination) == .badDestination)
  }

  /// From where no rate bounds what two servers send each other.
  @Test(arguments: 0...255)
  func anAnswerOfAnotherServerIsToldByItsHopLimit(hopLimit: Int) throws {
    for ip in ["127.0.0.1", "10.0.0.1", "192.168.7.7", "::1", "fd00::1", "192.0.2.2", "192.0.2.9", "2001:db8::9"] {
      let source = SocketAddress(try #require(IPAddress(ip)), port: 9998)
      let isAnswer = (33...47).contains(hopLimit) && !["192.0.2.9", "2001:db8::9"].contains(ip)
      let reason = Self.filter.refusal(source: source, destination: nil, hopLimit: hopLimit)
      #expect(reason == (isAnswer ? .ownAddress : nil))
    }
  }

  @Test func theRateBoundsPublicAddressesThatAreNotTheMachinesOwn() throws {
    for ip in ["192.0.2.9", "8.8.8.8", "2001:db8::9"] { #expect(Self.filter.isBounded(try #require(IPAddress(ip)))) }
    for ip in ["192.0.2.2", "127.0.0.1", "10.1.2.3", "fd00::1", "fe80::9%lo"] {
      #expect(!Self.filter.isBounded(try #require(IPAddress(ip))))
    }
  }

  @Test func withoutBroadcastsOfItsOwnTheGeneralOneIsStillRefused() throws {
    let filter = SourceFilter(own: [], interfaces: [], broadcasts: [])
    let many = try #require(SocketAddress("255.255.255.255:4000"))
    let host = try #require(SocketAddress("192.0.2.255:4000"))
    #expect(filter.refusal(source: many, destination: nil) == .badSource)
    #expect(filter.refusal(source: host, destination: many.ip) == .badDestination)
    #expect(filter.refusal(source: host, destination: nil) == nil)
  }

  @Test func everyReasonHasTheNameThatTheAPITells() {
    let names = [
      "impaired", "low_source_port", "own_address", "bad_source", "bad_destination", "rate_limited", "hold_full",
      "send_failed",
    ]
    #expect(DropReason.allCases.map(\.rawValue) == names)
  }
}

@Suite struct EchoCountersTests {
  @Test func aSumIsTheSumOfEveryPart() {
    var one = EchoCounters()
    (one.received, one.bytesReceived, one.echoed, one.bytesEchoed, one.receiveBufferFull) = (10, 100, 7, 70, 3)
    one.dropped = [.lowSourcePort: 2, .badSource: 1]
    var two = EchoCounters()
    (two.received, two.bytesReceived, two.echoed, two.bytesEchoed, two.receiveBufferFull) = (5, 50, 2, 20, 1)
    two.dropped = [.lowSourcePort: 1, .sendFailed: 2]
    let sum = one + two
    #expect([sum.received, sum.bytesReceived, sum.echoed, sum.bytesEchoed] == [15, 150, 9, 90])
    #expect(sum.receiveBufferFull == 4)
    #expect(sum.dropped == [.lowSourcePort: 3, .badSource: 1, .sendFailed: 2])
    #expect(sum.isBalanced)
    #expect(one + EchoCounters() == one)
  }
}
