import Relay
import Sockets
import Testing

@testable import Gateway

struct TargetRulesTests {
  private func rules(_ ranges: String...) -> TargetRules {
    TargetRules(allowed: ranges.map { TargetRange($0)! }, broadcasts: [IPAddress("10.0.0.255")!])
  }

  // MARK: What is written on the command line

  @Test(
    arguments: [
      ("10.0.0.0/8", "10.0.0.0/8", 1024...65535), ("10.0.0.0/8:53", "10.0.0.0/8", 53...53),
      ("10.0.0.0/8:5000-5999", "10.0.0.0/8", 5000...5999), ("0.0.0.0/0:1-65535", "0.0.0.0/0", 1...65535),
      ("fd00::/8", "fd00::/8", 1024...65535), ("[fd00::/8]:53", "fd00::/8", 53...53), ("::/0", "::/0", 1024...65535),
      ("[fd00::]/8:5000-5999", "fd00::/8", 5000...5999), ("[fd00::]/8", "fd00::/8", 1024...65535),
      ("[fd00::/8]", "fd00::/8", 1024...65535), ("[::ffff:10.0.0.0/104]:9", "10.0.0.0/8", 9...9),
    ] as [(String, String, ClosedRange<UInt16>)])
  func aRangeIsANetworkAndPorts(text: String, network: String, ports: ClosedRange<UInt16>) throws {
    let range = try #require(TargetRange(text))
    #expect(range.network == IPNetwork(network) && range.ports == ports)
  }

  @Test(arguments: [
    "", "nonsense", "10.0.0.1", "10.0.0.1:53", "127.0.0.0/33", "10.0.0.0/8:", "10.0.0.0/8:0", "10.0.0.0/8:0-5",
    "10.0.0.0/8:70000", "10.0.0.0/8:2-1", "10.0.0.0/8:1-2-3", "10.0.0.0/8:-5", "10.0.0.0/8:5-", "10.0.0.0/8:+5",
    "10.0.0.0/8:5:6", "fd00::/8:53", "::1", "[::1]:53", "[10.0.0.0/8]:53", "[fd00::/8", "[fd00::/8]53", "[fd00::/8]/8",
    "[]:53", "example.org/8", "fe80::%lo/64", "10.0.0.0/8:5-6 ", "10.0.0.0/8,127.0.0.0/8",
  ])
  func whatIsNoRangeIsRefused(text: String) {
    #expect(TargetRange(text) == nil)
  }

  // MARK: What may be named

  @Test(arguments: [
    ("10.0.0.0/8", "10.1.2.3:1024", true), ("10.0.0.0/8", "10.1.2.3:1023", false),
    ("10.0.0.0/8", "11.0.0.1:5000", false),
    ("10.0.0.0/8:53", "10.0.0.1:53", true), ("10.0.0.0/8:53", "10.0.0.1:54", false),
    ("10.0.0.0/8:53", "10.0.0.1:52", false), ("10.0.0.0/8:5-7", "10.0.0.1:5", true),
    ("10.0.0.0/8:5-7", "10.0.0.1:7", true),
    ("10.0.0.0/8:5-7", "10.0.0.1:8", false), ("10.0.0.0/8:5-7", "10.0.0.1:4", false),
    // One address, however it is written.
    ("10.0.0.0/8", "[::ffff:10.1.2.3]:5000", true), ("::/0", "[::ffff:10.1.2.3]:5000", false),
    ("::/0", "10.1.2.3:5000", false), ("::/0", "[2001:db8::1]:5000", true),
    ("2001:db8::/32", "[2001:db9::1]:5000", false),
    // Loopback and link-local, by a range of their own alone.
    ("0.0.0.0/0", "127.0.0.1:5000", false), ("127.0.0.0/8", "127.0.0.1:5000", true),
    ("127.0.0.1/32", "127.0.0.1:5000", true),
    ("126.0.0.0/7", "127.0.0.1:5000", false), ("0.0.0.0/0", "[::ffff:127.0.0.1]:5000", false),
    ("127.0.0.0/8", "[::ffff:127.0.0.1]:5000", true), ("::/0", "[::1]:5000", false), ("::1/128", "[::1]:5000", true),
    ("::/127", "[::1]:5000", false), ("0.0.0.0/0", "169.254.169.254:5000", false),
    ("169.254.0.0/16", "169.254.1.1:5000", true),
    ("169.254.0.0/15", "169.254.1.1:5000", false), ("::/0", "[fe80::1%1]:5000", false),
    ("fe80::/10", "[fe80::1%1]:5000", true),
    ("fe80::/9", "[fe80::1%1]:5000", false),
    // IPv4 by way of IPv6, likewise.
    ("::/0", "[64:ff9b::8.8.8.8]:5000", false), ("64:ff9b::/96", "[64:ff9b::8.8.8.8]:5000", true),
    ("::/0", "[2002:808:808::1]:5000", false), ("2002::/16", "[2002:808:808::1]:5000", true),
    ("::/0", "[2001:0:4136:e378:8000:63bf:3fff:fdd2]:5000", false), ("::/0", "[64:ff9b:1::1]:5000", false),
    ("0.0.0.0/0", "[64:ff9b::8.8.8.8]:5000", false),
  ])
  func aLiteralIsAllowedByItsRange(range: String, literal: String, isAllowed: Bool) throws {
    #expect(rules(range).allows(try #require(SocketAddress(literal)).canonical) == isAllowed)
  }

  @Test func anyOfTheRangesWillDo() {
    let rules = rules("10.0.0.0/8:53", "127.0.0.1/32", "0.0.0.0/0")
    #expect(rules.allows(SocketAddress("127.0.0.1:5000")!) && rules.allows(SocketAddress("10.0.0.1:53")!))
    #expect(rules.allows(SocketAddress("8.8.8.8:5000")!) && !rules.allows(SocketAddress("8.8.8.8:53")!))
  }

  // MARK: What can never be

  private static let impossible = [
    "10.0.0.1:0", "0.0.0.0:5000", "0.1.2.3:5000", "255.255.255.255:5000", "10.0.0.255:5000", "224.0.0.1:5000",
    "239.255.255.255:5000", "240.0.0.1:5000", "255.255.255.254:5000", "[::]:5000", "[ff02::1]:5000", "[ff02::1%1]:5000",
    "[fe80::1]:5000", "[::ffff:0.0.0.0]:5000", "[::ffff:224.0.0.1]:5000", "[::ffff:10.0.0.255]:5000",
    "[::ffff:255.255.255.255]:5000", "[::2]:5000", "[::127.0.0.1]:5000", "[64:ff9b::127.0.0.1]:5000",
    "[64:ff9b::169.254.169.254]:5000", "[64:ff9b::224.0.0.1]:5000", "[64:ff9b::]:5000", "[2002:7f00:1::1]:5000",
    "[2002:ffff:ffff::1]:5000", "[2001:0:1:1::80ff:fffe]:5000", "[::ffff:0:127.0.0.1]:5000",
  ]

  @Test(arguments: impossible)
  func nothingIsEverSentThere(literal: String) throws {
    let everything = rules(
      "0.0.0.0/0:1-65535", "127.0.0.0/8:1-65535", "169.254.0.0/16:1-65535", "[::/0]:1-65535", "[fe80::/10]:1-65535",
      "[64:ff9b::/96]:1-65535", "[2002::/16]:1-65535", "[2001::/32]:1-65535", "[::ffff:0:0:0/96]:1-65535")
    let address = try #require(SocketAddress(literal))
    #expect(everything.impossibility(address) != nil)
    let table = TargetTable([Target(name: "echo", address: SocketAddress("127.0.0.1:9")!)], rules: everything)
    #expect { try table.target(literal) } throws: { ($0 as? Problem)?.kind == .targetNotAllowed }
  }

  @Test(arguments: [
    "127.0.0.1:1", "10.0.0.254:65535", "169.254.1.1:9", "[::1]:9", "[fe80::1%1]:9", "[2001:db8::1]:9", "8.8.8.8:53",
    "[64:ff9b::8.8.8.8]:53", "223.255.255.255:9", "1.0.0.0:9",
  ])
  func otherAddressesCanBe(literal: String) throws {
    #expect(rules().impossibility(try #require(SocketAddress(literal))) == nil)
  }

  // MARK: What a request is told

  private func table(_ ranges: String..., names: [String] = ["echo"]) -> TargetTable {
    TargetTable(
      names.map { Target(name: $0, address: SocketAddress("127.0.0.1:9")!) },
      rules: TargetRules(allowed: ranges.map { TargetRange($0)! }, broadcasts: []))
  }

  @Test(arguments: [
    "nowhere", "localhost:5000", "example.org:53", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", "127.1:5000",
    "0x7f.0.0.1:5000", "2130706433:5000", "0177.0.0.1:5000", "::1:5000", "[::1%nowhere]:5000", "127.0.0.1:5000 ", "",
    "127.0.0.1:5000\u{0}", "[127.0.0.1]:5000", "Echo",
  ])
  func whatIsNoLiteralIsAnUnknownTargetAndIsNeverLookedUp(name: String) {
    #expect { try table("127.0.0.0/8", "::1/128").target(name) } throws: { ($0 as? Problem)?.kind == .unknownTarget }
  }

  @Test func aLiteralIsTheAddressThatWasChecked() throws {
    let (target, index) = try table("10.0.0.0/8", "::1/128").target("[::ffff:10.1.2.3]:5000")
    #expect(target.address == SocketAddress("10.1.2.3:5000") && target.label == "10.1.2.3:5000" && index == 1)
    #expect(table().label(index) == "other")
    // An interface that says nothing makes no second target of one.
    #expect(try table("::1/128").target("[::1%1]:5000").target.address == SocketAddress("[::1]:5000"))
  }

  /// Neither the kernel is asked, nor a stranger told, which interfaces there are: every machine has an `lo`.
  @Test func anInterfaceIsOneOfThoseAtTheStartAndSpokenOfOnlyWhereLinksAreAllowed() throws {
    var rules = rules("fe80::/10")
    rules.interfaces = ["eth0": 7]
    let table = TargetTable([Target(name: "echo", address: SocketAddress("127.0.0.1:9")!)], rules: rules)
    #expect(try table.target("[fe80::1%eth0]:5000").target.address == SocketAddress("[fe80::1%7]:5000"))
    #expect(try table.target("[fe80::1%7]:5000").target.address == SocketAddress("[fe80::1%7]:5000"))
    for zone in ["lo", "eth1", "eth00", "", "0", "4294967296"] {
      #expect { try table.target("[fe80::1%\(zone)]:5000") } throws: { ($0 as? Problem)?.kind == .unknownTarget }
    }
    rules = self.rules("10.0.0.0/8")
    rules.interfaces = ["eth0": 7]
    let closed = TargetTable([Target(name: "echo", address: SocketAddress("127.0.0.1:9")!)], rules: rules)
    for zone in ["lo", "eth0", "nope", "7"] {
      #expect { try closed.target("[fe80::1%\(zone)]:5000") } throws: { ($0 as? Problem)?.kind == .targetNotAllowed }
    }
  }

  @Test func metricsHaveOneLabelForLiteralsThoughATargetMayHaveItToo() throws {
    let table = table("10.0.0.0/8", names: ["echo", "other", "lab"])
    #expect(try table.target("10.0.0.1:5000").index == 1 && table.label(1) == "other")
  }

  @Test func withoutARangeNoLiteralIsAllowedAndTheFlagIsNamed() {
    #expect { try table().target("10.0.0.1:5000") } throws: {
      ($0 as? Problem)?.kind == .targetNotAllowed && ($0 as? Problem)?.detail.contains("--allow-target") == true
    }
  }
}
