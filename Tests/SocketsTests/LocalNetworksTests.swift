import Sockets
import Testing

@Suite struct LocalNetworksTests {
  @Test func theMachineIsAtItsLoopbackAddresses() throws {
    let networks = LocalNetworks()
    #expect(networks.addresses.contains(try #require(IPAddress("127.0.0.1"))))
    #expect(networks.addresses.contains(try #require(IPAddress("::1"))))
    #expect(networks.addresses.allSatisfy { !$0.isMulticast && !$0.isUnspecified })
  }

  @Test func interfacesHaveTheirIndices() throws {
    let interfaces = LocalNetworks().interfaces
    #expect(interfaces["lo"].map { IPAddress("fe80::1%\($0)") } == IPAddress("fe80::1%lo"))
    #expect(!interfaces.values.contains(0))
  }

  @Test func aNetworksBroadcastAddressIsNobodysOwn() {
    let networks = LocalNetworks()
    #expect(networks.broadcasts.isDisjoint(with: networks.addresses))
    #expect(networks.broadcasts.allSatisfy { $0.version == 4 })
  }

  /// The loopback interface names no broadcast address, and the kernel has one all the same.
  @Test func theLoopbackNetworkHasABroadcastAddressToo() throws {
    #expect(LocalNetworks().broadcasts.contains(try #require(IPAddress("127.255.255.255"))))
  }

  @Test func everyAddressOfTheMachineCanBeBound() throws {
    for ip in LocalNetworks().addresses {
      _ = try UDPSocket.bound(to: SocketAddress(ip, port: 0))
    }
  }
}
