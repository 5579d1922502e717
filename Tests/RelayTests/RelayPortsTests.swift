import Basics
import Relay
import TestSupport
import Testing

@Suite struct RelayPortsTests {
  @Test func aPortIsKnownAsLongAsASocketHasIt() {
    let ports = RelayPorts()
    for port: UInt16 in [0, 1, 40_000, 65_535] {
      #expect(!ports.contains(port))
      ports.opened(port)
      ports.opened(port)
      ports.closed(port)
      #expect(ports.contains(port), "another socket has it on another address")
      ports.closed(port)
      #expect(!ports.contains(port))
    }
  }
}

extension RealRelay {
  @Suite struct RelayPortsTests {
    @Test func whatMessagesLeaveFromIsKnownUntilItsSocketIsClosed() async throws {
      let peer = Peer.echoing()
      defer { peer.close() }
      try await withRelay(restingCapacity: 1) { bench in
        let first = try #require(await bench.exchange("a", with: peer.address).localPort)
        #expect(bench.ports.contains(first))
        await letSocketsRest()
        // It has rested, and makes room for the next to rest.
        let second = try #require(await bench.exchange("b", with: peer.address, fresh: true).localPort)
        #expect(second != first && bench.ports.contains(second))
        #expect(await eventually { !bench.ports.contains(first) })
      }
    }
  }
}
