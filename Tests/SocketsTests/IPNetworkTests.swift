import Sockets
import Testing

struct IPNetworkTests {
  @Test(arguments: [
    ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"), ("127.0.0.1/32", "127.0.0.1", "127.0.0.2"),
    ("192.168.1.77/24", "192.168.1.0", "192.168.2.0"), ("0.0.0.0/0", "255.255.255.255", "::"),
    ("10.0.0.1/31", "10.0.0.0", "10.0.0.2"), ("::/0", "ffff::1", "127.0.0.1"), ("::1/128", "::1", "::2"),
    ("fe80::/10", "febf:ffff::1", "fec0::"), ("2001:db8:8000::/33", "2001:db8:ffff::", "2001:db8::"),
    ("fd00::/65", "fd00::7fff:ffff:ffff:ffff", "fd00::8000:0:0:0"),
  ])
  func aNetworkHasTheAddressesThatShareItsBits(text: String, inside: String, outside: String) throws {
    let network = try #require(IPNetwork(text))
    #expect(network.contains(IPAddress(inside)!) && !network.contains(IPAddress(outside)!))
  }

  @Test func aMappedNetworkIsOneOfIPv4() throws {
    #expect(IPNetwork("::ffff:10.0.0.0/104") == IPNetwork("10.0.0.0/8"))
    #expect(try #require(IPNetwork("10.0.0.0/8")).contains(IPAddress("::ffff:10.1.2.3")!))
    #expect(IPNetwork("::ffff:0.0.0.0/95") == nil)
  }

  @Test(arguments: [
    "", "/", "10.0.0.0", "10.0.0.0/", "/8", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8",
    "10.0.0/8", "10.0.0.0/eight", "example.org/8", "fe80::1%lo/64", "10.0.0.0/99999999999999999999", " 10.0.0.0/8",
  ])
  func whatIsNoNetworkIsNone(text: String) {
    #expect(IPNetwork(text) == nil)
  }

  @Test func aNetworkLiesInsideOneOfFewerBits() {
    func isInside(_ inner: String, _ outer: String) -> Bool { IPNetwork(outer)!.contains(IPNetwork(inner)!) }
    #expect(isInside("127.1.0.0/16", "127.0.0.0/8") && isInside("127.0.0.0/8", "127.0.0.0/8"))
    #expect(!isInside("0.0.0.0/0", "127.0.0.0/8") && !isInside("126.0.0.0/7", "127.0.0.0/8"))
    #expect(!isInside("128.0.0.0/8", "127.0.0.0/8") && !isInside("::/0", "0.0.0.0/0") && isInside("::1/128", "::/0"))
  }

  @Test(arguments: ["10.0.0.0/8", "::/0", "2001:db8::/32", "0.0.0.0/0"])
  func aNetworkIsWrittenAsItIsRead(text: String) {
    #expect(IPNetwork(text)?.description == text)
  }

  @Test func whatStandsBehindThePrefixIsNoPartOfIt() {
    #expect(IPNetwork("10.1.2.3/8") == IPNetwork("10.0.0.0/8") && IPNetwork("10.1.2.3/8")?.description == "10.0.0.0/8")
  }

  @Test(arguments: [
    ("64:ff9b::7f00:1", "127.0.0.1"), ("2002:a9fe:a9fe::1", "169.254.169.254"),
    ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "192.0.2.45"), ("::ffff:0:192.0.2.1", "192.0.2.1"),
  ])
  func addressesOfTheTransitionCarryOneOfIPv4(text: String, carried: String) throws {
    let ip = try #require(IPAddress(text))
    #expect(ip.carriedIPv4.map { "\($0)" } == carried)
    #expect(IPAddress.transitionNetworks.contains { $0.contains(ip) })
  }

  @Test(arguments: ["127.0.0.1", "::1", "fe80::1", "2003::1", "2001:db8::1", "64:ff9b:0:0:1::1", "64:ff9b:1::1"])
  func othersCarryNone(text: String) {
    #expect(IPAddress(text)?.carriedIPv4 == nil)
  }

  @Test func addressesThatAreCompatibleWithIPv4AreReserved() {
    #expect(IPAddress("::127.0.0.1")!.isReserved && IPAddress("::2")!.isReserved)
    #expect(!IPAddress("::")!.isReserved && !IPAddress("::1")!.isReserved && !IPAddress("::1:0:0")!.isReserved)
  }
}
