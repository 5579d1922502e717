import Glibc
import Sockets
import TestSupport
import Testing

@Suite struct IPAddressTests {
  /// RFC 5952's own examples among them.
  @Test(
    arguments: [
      ("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
      ("1.2.3.4", "1.2.3.4"),
      ("::", "::"), ("::1", "::1"), ("0:0:0:0:0:0:0:1", "::1"), ("2001:0db8::0001", "2001:db8::1"),
      ("2001:db8:0:0:0:0:2:1", "2001:db8::2:1"), ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
      ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
      ("2001:DB8::ABCD", "2001:db8::abcd"), ("ff02::1", "ff02::1"), ("fe80::", "fe80::"),
      ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("1::8", "1::8"), ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
      ("::ffff:192.0.2.1", "192.0.2.1"), ("::FFFF:192.0.2.1", "192.0.2.1"), ("::ffff:c000:201", "192.0.2.1"),
      ("0:0:0:0:0:ffff:7f00:1", "127.0.0.1"), ("::ffff:0:0", "0.0.0.0"), ("::fffe:192.0.2.1", "::fffe:c000:201"),
      ("fe80::1%lo", "fe80::1%lo"), ("fe80::1%1", "fe80::1%lo"), ("fe80::1%4000000000", "fe80::1%4000000000"),
    ])
  func whatIsReadIsPrintedInItsOneForm(text: String, printed: String) throws {
    let ip = try #require(IPAddress(text))
    #expect(ip.description == printed)
    #expect(IPAddress(printed) == ip)
  }

  @Test(
    arguments: [
      "", " ", "127.0.0.1 ", " 127.0.0.1", "127.0.0.1\n", "127.1", "127.0.0", "1.2.3.4.5", "256.0.0.1", "1.2.3.-4",
      "1.2.3.+4",
      "127.0.0.01", "0x7f.0.0.1", "2130706433", "1..2.3", "1.2.3.", ".1.2.3", "127.0.0.1%lo", "127.0.0.1:80",
      "localhost",
      ":", ":::", "::1::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "g::", "[::1]", "::1]", "::1 ",
      "::ffff:256.0.0.1",
      "::1%", "fe80::1%", "fe80::1%nosuchinterface", "fe80::1%0", "fe80::1%-1", "fe80::1%4294967296", "%lo",
      "fe80::1%lo%lo",
      "127.0.0.1\0", "127.0.0.1\0.evil", "::1\0", "::1\0]", "\0", "fe80::1%lo\0x", "１２７.0.0.1",
    ])
  func whatIsNoAddressIsRefused(text: String) {
    #expect(IPAddress(text) == nil)
  }

  @Test func randomAddressesSurvivePrintingAndReading() throws {
    var random = SeededGenerator(seed: 1)
    for _ in 0..<3000 {
      let v4 = IPAddress.v4(IPv4Address(bits: UInt32.random(in: .min ... .max, using: &random)))
      #expect(IPAddress(v4.description) == v4)
      // Zero groups make the forms differ.
      var halves: [UInt64] = [random.next(), random.next()]
      for group in 0..<8 where Bool.random(using: &random) {
        halves[group / 4] &= ~(0xFFFF << UInt64(16 * (group % 4)))
      }
      let v6 = IPAddress(IPv6Address(high: halves[0], low: halves[1]))
      #expect(IPAddress(v6.description) == v6)
    }
  }

  @Test func anAddressIsTheNumberThatItsTextSays() throws {
    #expect(IPAddress("127.0.0.1") == .v4(IPv4Address(bits: 0x7F00_0001)))
    #expect(IPAddress("1.2.3.4") == .v4(IPv4Address(bits: 0x0102_0304)))
    let v6 = IPv6Address(high: 0x0001_0002_0003_0004, low: 0x0005_0006_0007_0008)
    #expect(IPAddress("1:2:3:4:5:6:7:8") == .v6(v6))
    let scoped = IPv6Address(high: 0xFE80 << 48, low: 1, scope: if_nametoindex("lo"))
    #expect(IPAddress("fe80::1%lo") == .v6(scoped))
  }

  @Test func aMappedAddressIsIPv4HoweverItIsMade() {
    let mapped = IPAddress(IPv6Address(high: 0, low: 0xFFFF_7F00_0001, scope: 1))
    #expect(mapped == .v4(IPv4Address(bits: 0x7F00_0001)))
    #expect(mapped.version == 4)
    #expect(IPAddress(IPv6Address(high: 0, low: 0x7F00_0001)).version == 6)
    #expect(IPAddress(IPv6Address(high: 1, low: 0xFFFF_7F00_0001)).version == 6)
  }
}

/// What an address is, from each side of each bound.
@Suite struct AddressClassTests {
  private static let all = ["loopback", "unspecified", "multicast", "broadcast", "link-local", "reserved"]

  @Test(
    arguments: [
      ("0.0.0.0", "unspecified"), ("0.0.0.1", "reserved"), ("0.255.255.255", "reserved"), ("1.0.0.0", ""),
      ("126.255.255.255", ""), ("127.0.0.0", "loopback"), ("127.255.255.255", "loopback"), ("128.0.0.0", ""),
      ("169.253.255.255", ""), ("169.254.0.0", "link-local"), ("169.254.255.255", "link-local"), ("169.255.0.0", ""),
      ("223.255.255.255", ""), ("224.0.0.0", "multicast"), ("239.255.255.255", "multicast"), ("240.0.0.0", "reserved"),
      ("255.255.255.254", "reserved"), ("255.255.255.255", "broadcast"), ("192.0.2.1", ""),
      ("::", "unspecified"), ("::1", "loopback"), ("::2", "reserved"), ("::127.0.0.1", "reserved"), ("::1:0:0", ""),
      ("1::", ""), ("1::1", ""),
      ("fe7f:ffff::", ""), ("fe80::", "link-local"), ("febf:ffff::", "link-local"), ("fec0::", ""),
      ("feff:ffff::", ""), ("ff00::", "multicast"), ("ffff::", "multicast"), ("2001:db8::1", ""), ("f000::", ""),
      ("::ffff:127.0.0.1", "loopback"), ("::ffff:224.0.0.1", "multicast"), ("::ffff:0.0.0.0", "unspecified"),
      ("::ffff:255.255.255.255", "broadcast"), ("fe80::1%lo", "link-local"),
    ])
  func anAddressIsOfOneClassAtMost(text: String, expected: String) throws {
    let ip = try #require(IPAddress(text))
    let facts = [
      ip.isLoopback, ip.isUnspecified, ip.isMulticast, ip.isLimitedBroadcast, ip.isLinkLocal, ip.isReserved,
    ]
    let found = zip(Self.all, facts).filter(\.1).map(\.0)
    #expect(found == (expected.isEmpty ? [] : [expected]))
  }
}

@Suite struct AddressScopeTests {
  @Test(
    arguments: [
      "10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255", "100.64.0.0",
      "100.127.255.255", "127.0.0.1", "127.255.255.255", "169.254.0.1", "::1", "fc00::", "fdff:ffff::1", "fe80::1",
      "febf::1", "::ffff:10.1.2.3", "::ffff:127.0.0.1",
    ])
  func whatIsNotRoutedOnTheInternetIsNotPublic(text: String) throws {
    #expect(try #require(IPAddress(text)).isPublic == false)
  }

  @Test(
    arguments: [
      "9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "100.63.255.255",
      "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0", "8.8.8.8", "203.0.113.9",
      "2001:db8::1", "2000::", "fbff::1", "fe00::1", "fec0::1", "::2", "::ffff:8.8.8.8",
    ])
  func whatLiesJustBesideIsPublic(text: String) throws {
    #expect(try #require(IPAddress(text)).isPublic)
  }

  @Test(
    arguments: [
      ("192.0.2.0", "192.0.2.255", "192.0.3.0"),
      ("2001:db8:0:1::", "2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:2::"),
      ("::ffff:192.0.2.1", "192.0.2.2", "::c000:201"),
    ])
  func aNetworkIsASlash24OrASlash64(one: String, same: String, other: String) throws {
    let networks = try [one, same, other].map { try #require(IPAddress($0)).network }
    #expect(networks[0] == networks[1] && networks[0] != networks[2])
  }

  @Test(
    arguments: [
      ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
      ("2001:db8:0:1::", "2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:2::"), ("::1", "::2", "0.0.0.1"),
      ("fe80::1", "fe80::1%1", "fe80::2"), ("fe80::1", "fe80::1", "fe80::200:0:0:1"),
      ("fe80::20:db8:0:1", "fe80::20:db8:0:1", "20:db8:0:1::"), ("febf::1", "febf::1", "febf::"),
    ])
  func aHostIsAnAddressOrASlash64(one: String, same: String, other: String) throws {
    let hosts = try [one, same, other].map { try #require(IPAddress($0)).host }
    #expect(hosts[0] == hosts[1] && hosts[0] != hosts[2])
  }
}
