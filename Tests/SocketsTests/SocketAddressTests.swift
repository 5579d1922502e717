import Glibc
import Sockets
import Testing

@Suite struct SocketAddressTests {
  @Test(
    arguments: [
      ("127.0.0.1:9999", "127.0.0.1:9999"), ("0.0.0.0:0", "0.0.0.0:0"), ("[::1]:65535", "[::1]:65535"),
      ("[0:0::1]:1", "[::1]:1"), ("[::ffff:192.0.2.1]:80", "192.0.2.1:80"), ("[fe80::1%lo]:5", "[fe80::1%lo]:5"),
      ("127.0.0.1:00080", "127.0.0.1:80"),
    ])
  func whatIsReadIsPrintedInItsOneForm(text: String, printed: String) throws {
    let address = try #require(SocketAddress(text))
    #expect(address.description == printed)
    #expect(SocketAddress(printed) == address)
  }

  @Test(
    arguments: [
      "", ":", "127.0.0.1", "127.0.0.1:", ":80", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+80", "127.0.0.1: 80",
      "127.0.0.1:80 ", "127.0.0.1:8０", "127.0.0.1:0x50", "127.0.0.1:80:80", "127.0.0.1:99999999999999999999",
      "localhost:80",
      "::1:80", "::1", "[::1]", "[::1]:", "[::1]80", "[::1:80", "::1]:80", "[[::1]]:80", "[]:80", "[127.0.0.1]:80",
      "[localhost]:80", "[a:b]:80", "[::1%]:80", "[::1]x:80", "x[::1]:80", "[::1\0]:80", "127.0.0.1\0:80",
      "127.0.0.1:80\0",
    ])
  func whatIsNoAddressIsRefused(text: String) {
    #expect(SocketAddress(text) == nil)
  }

  @Test(arguments: ["127.0.0.1:9999", "255.1.2.3:1", "[::1]:443", "[2001:db8::5]:65535", "[fe80::1%lo]:7"])
  func theKernelsFormSaysTheSame(text: String) throws {
    let address = try #require(SocketAddress(text))
    // getnameinfo(3) reads the kernel's form without our help.
    let (host, port) = address.withSockaddr { raw, length in
      var host = [CChar](repeating: 0, count: 256)
      var port = [CChar](repeating: 0, count: 16)
      let flags = NI_NUMERICHOST | NI_NUMERICSERV
      #expect(getnameinfo(raw, length, &host, socklen_t(host.count), &port, socklen_t(port.count), flags) == 0)
      return (string(host), string(port))
    }
    #expect(host == address.ip.description)
    #expect(port == String(address.port))
    let again = address.withSockaddr { SocketAddress(sockaddr: UnsafeRawBufferPointer(start: $0, count: Int($1))) }
    #expect(again == address)
  }

  private func string(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  @Test func aFormThatIsCutShortOrOfAnotherFamilyIsNone() throws {
    for text in ["127.0.0.1:9999", "[::1]:9999"] {
      let address = try #require(SocketAddress(text))
      address.withSockaddr { raw, length in
        for count in 0..<Int(length) {
          #expect(SocketAddress(sockaddr: UnsafeRawBufferPointer(start: raw, count: count)) == nil, "\(text): \(count)")
        }
      }
    }
    var local = sockaddr_un()
    local.sun_family = sa_family_t(AF_UNIX)
    withUnsafeBytes(of: &local) { #expect(SocketAddress(sockaddr: $0) == nil) }
  }

  @Test func aWildcardTakesIPv4UnlessItsPortIsWantedForIPv4() throws {
    let wildcard = try #require(SocketAddress("[::]:9999"))
    #expect(wildcard.takesIPv4(beside: [wildcard]))
    #expect(wildcard.takesIPv4(beside: [wildcard, SocketAddress("127.0.0.1:9998")!, SocketAddress("[::1]:9999")!]))
    #expect(!wildcard.takesIPv4(beside: [wildcard, SocketAddress("127.0.0.1:9999")!]))
    #expect(!SocketAddress("[::1]:9999")!.takesIPv4(beside: []))
    #expect(!SocketAddress("0.0.0.0:9999")!.takesIPv4(beside: []))
  }
}

@Suite struct HostPortTests {
  @Test(
    arguments: [
      ("localhost:80", "localhost", 80), ("a:0", "a", 0), ("127.0.0.1:65535", "127.0.0.1", 65535),
      ("[::1]:9999", "::1", 9999), ("[fe80::1%eth0]:1", "fe80::1%eth0", 1),
      ("my_host-1.example.:53", "my_host-1.example.", 53),
      ("A.b:007", "A.b", 7),
    ] as [(String, String, UInt16)])
  func aHostAndAPortAreRead(text: String, host: String, port: UInt16) throws {
    let place = try #require(HostPort(text))
    #expect(place.host == host)
    #expect(place.port == port)
    #expect(HostPort(place.description) == place)
  }

  @Test(
    arguments: [
      "", ":", "localhost", "localhost:", ":80", "localhost:65536", "localhost:-1", "localhost:+1", "localhost:http",
      "::1:9999", "a:b:1", "[::1]", "[::1]:", "[]:1", "[localhost]:1", "[::1:1", "::1]:1", "a b:1", "a/b:1",
      "http://a:1",
      "a@b:1", "é:1", "a\0b:1", "a\n:1", "[::1]]:x", "localhost:1 ", "localhost:１",
    ])
  func whatIsNoHostAndPortIsRefused(text: String) {
    #expect(HostPort(text) == nil)
  }

  @Test(arguments: [("::1", "[::1]:9"), ("localhost", "localhost:9"), ("192.0.2.1", "192.0.2.1:9")])
  func anIPv6AddressIsPrintedInBrackets(host: String, printed: String) {
    let place = HostPort(host: host, port: 9)
    #expect(place.description == printed)
    #expect(HostPort(printed) == place)
  }

  @Test func aLiteralIsResolvedToItselfAndANameToItsAddresses() throws {
    let literal = try Resolver.resolve(HostPort(host: "2001:db8::1", port: 7))
    #expect(literal.map(\.description) == ["[2001:db8::1]:7"])
    let named = try Resolver.resolve(HostPort(host: "localhost", port: 8))
    #expect(!named.isEmpty)
    #expect(named.allSatisfy { $0.ip.isLoopback && $0.port == 8 })
  }

  @Test func aNameThatIsNoneFailsWithTheName() throws {
    let host = String(repeating: "a", count: 300)
    let failure = #expect(throws: Resolver.Failure.self) { try Resolver.resolve(HostPort(host: host, port: 1)) }
    #expect(failure?.description.hasPrefix("'\(host)' has no address: ") == true)
  }
}
