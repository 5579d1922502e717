import HTTPServer
import Sockets
import Testing

@testable import Gateway

struct AccessRulesTests {
  private static let token = "abcdefghijklmnop"

  private func rules(token: Bool = false, hosts: String...) -> AccessRules {
    let token = token ? try? BearerToken(Array(Self.token.utf8)) : nil
    return AccessRules(token: token, hosts: hosts.map { HostName($0)! })
  }

  /// A route of each kind, for the table of routes does not have them all.
  private static let router = Router(
    [
      route(.get, "/open", .open), route(.get, "/things", .api), route(.post, "/things", .api),
      route(.get, "/datagrams", .control), route(.put, "/things", .control),
      route(.get, "/probe", .api, actsOnRead: true),
    ], files: StaticFiles())

  private static func route(_ method: HTTPMethod, _ path: String, _ access: Access, actsOnRead: Bool = false) -> Route {
    Route(method: method, path: path, summary: "", access: access, actsOnRead: actsOnRead) { _, _ in .allow("") }
  }

  private func refusal(
    _ request: String, _ fields: [(String, String)], by rules: AccessRules? = nil, from peer: String = "127.0.0.1:50000"
  ) -> AccessRules.Refusal? {
    let words = request.split(separator: " ").map(String.init)
    var header = HTTPFields()
    for (name, value) in fields { header.append(name, value) }
    let head = HTTPRequestHead(
      method: HTTPMethod(rawValue: words[0]), path: words[1], query: nil, fields: header, peer: SocketAddress(peer)!)
    return (rules ?? self.rules()).refusal(of: RequestClaims(head), to: Self.router.match(head))
  }

  private static let ours = ("Host", "127.0.0.1:8080")

  // MARK: Host

  @Test(arguments: [
    "127.0.0.1", "127.0.0.1:8080", "127.0.0.1:", "0.0.0.0", "255.255.255.255:65535", "10.20.30.40:1", "[::1]",
    "[::1]:8080",
    "[::1]:", "[FE80::1]:80", "[fe80::1%25eth0]:8080", "[fe80::1%eth0]", "[::ffff:127.0.0.1]:8080", "localhost",
    "localhost:8080", "LOCALHOST:1", "LocalHost.", "localhost.:8080", "localhost:00080",
  ])
  func addressesAndLocalhostAreOurs(host: String) {
    #expect(refusal("GET /things", [("Host", host)]) == nil)
    #expect(refusal("POST /things", [("hOST", host)]) == nil)
  }

  @Test(arguments: [
    "evil.example", "evil.example:8080", "", ":8080", ".", "localhost.evil.example", "evil.localhost", "localhos",
    "localhostt", "localhost..", "127.0.0.1.evil.example", "127.0.0.1.nip.io:8080", "127.0.0", "127.0.0.0.1",
    "127.0.0.256",
    "127.0.0.01", "127.0.0.1.", "1270.0.0.1", "127..0.1", ".127.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "::1",
    "::1:8080", "[::1", "[::1]8080", "[::1]x", "::1]", "[]", "[]:80", "[127.0.0.1]", "[localhost]", "[evil.example]",
    "[::g]", "[fe80::1%]", "[%eth0]", "[v1.fe]", "localhost:x", "localhost:80x", "localhost:-1", "localhost:65536",
    "localhost:99999999999999999999", "localhost:80:80", "evil.example:80@localhost", "user@localhost", "localhost/",
    "localhost, evil.example", "localhost evil.example", "127.0.0.1\u{0}evil.example", "lócalhost", "ｌocalhost", "*",
    "[::1%25evil.example", "http://localhost",
  ])
  func otherNamesAreNot(host: String) {
    #expect(refusal("GET /things", [("Host", host)]) == .wrongHost)
    #expect(refusal("POST /things", [("Host", host)]) == .wrongHost)
    #expect(refusal("GET /nowhere", [("Host", host)]) == .wrongHost)
    #expect(refusal("OPTIONS /things", [("Host", host)]) == .wrongHost)
    #expect(refusal("GET /open", [("Host", host)]) == nil, "health checks come by any name")
  }

  @Test func allowedNamesAreOurs() {
    let rules = rules(hosts: "Gateway.Example", "lab_1")
    for host in ["gateway.example", "GATEWAY.example.:80", "lab_1:8080", "localhost", "127.0.0.1"] {
      #expect(refusal("GET /things", [("Host", host)], by: rules) == nil, "\(host)")
    }
    for host in ["a.gateway.example", "example", "gateway.example.org"] {
      #expect(refusal("GET /things", [("Host", host)], by: rules) == .wrongHost, "\(host)")
    }
  }

  @Test func withoutAHostAnHTTP10ClientIsServed() {
    #expect(refusal("POST /things", []) == nil)
    #expect(refusal("POST /things", [("Origin", "http://localhost")]) == .crossSite, "no browser speaks HTTP/1.0")
  }

  @Test(arguments: [
    "", ".", "a..b", "a.b:80", "a b", "*", "*.example", "bücher.example", "[::1]", "http://a", "a/b", "a,b",
  ])
  func whatIsNoNameCannotBeAllowed(text: String) {
    #expect(HostName(text) == nil)
  }

  // MARK: Pages of other origins

  @Test(arguments: [
    [], [("Sec-Fetch-Site", "same-origin")], [("Sec-Fetch-Site", "none")], [("sec-fetch-site", "same-origin")],
    // Where it is there, it is what counts: TLS may end in front of the gateway, and Host be rewritten there.
    [("Sec-Fetch-Site", "same-origin"), ("Origin", "https://gateway.example")],
    [("Origin", "http://127.0.0.1:8080")], [("Origin", "https://127.0.0.1:8080")],
  ])
  func ourOwnPageAndProgramsMay(fields: [(String, String)]) {
    for request in ["POST /things", "PUT /things", "GET /probe", "HEAD /probe"] {
      #expect(refusal(request, [Self.ours] + fields) == nil, "\(request)")
    }
  }

  @Test(arguments: [
    [("Sec-Fetch-Site", "cross-site")], [("Sec-Fetch-Site", "same-site")], [("Sec-Fetch-Site", "")],
    [("Sec-Fetch-Site", "Same-Origin")], [("Sec-Fetch-Site", "same-origin, same-origin")], [("Sec-Fetch-Site", "x")],
    [("Sec-Fetch-Site", "cross-site"), ("Origin", "http://127.0.0.1:8080")],
    [("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "same-origin")],
    [("Sec-Fetch-Site", "same-origin"), ("SEC-FETCH-SITE", "cross-site")],
    [("Origin", "http://127.0.0.1:8080"), ("Origin", "http://127.0.0.1:8080")],
    [("Sec-Fetch-Site", "none"), ("Origin", "http://a"), ("Origin", "http://127.0.0.1:8080")],
    [("Origin", "null")], [("Origin", "")], [("Origin", "http://evil.example")], [("Origin", "http://127.0.0.1")],
    [("Origin", "http://127.0.0.1:8081")], [("Origin", "http://127.0.0.2:8080")], [("Origin", "http://localhost:8080")],
    [("Origin", "https://127.0.0.1")], [("Origin", "http://127.0.0.1:80")], [("Origin", "127.0.0.1:8080")],
    [("Origin", "ftp://127.0.0.1:8080")], [("Origin", "http://127.0.0.1:8080/")],
    [("Origin", "http://a@127.0.0.1:8080")],
    [("Origin", "http://127.0.0.1:8080.evil.example")], [("Origin", "http://evil.example/127.0.0.1:8080")],
    [("Origin", "http://127.0.0.1:8080 http://127.0.0.1:8080")], [("Origin", "http://")], [("Origin", "http://:8080")],
    [("Origin", "chrome-extension://127.0.0.1:8080")], [("Origin", "http://[::1]:8080")],
  ])
  func pagesOfOtherOriginsMayNot(fields: [(String, String)]) {
    for request in ["POST /things", "PUT /things", "GET /probe", "HEAD /probe"] {
      #expect(refusal(request, [Self.ours] + fields) == .crossSite, "\(request)")
    }
    for request in ["GET /things", "HEAD /things", "OPTIONS /things", "OPTIONS /probe"] {
      #expect(refusal(request, [Self.ours] + fields) == nil, "\(request) does nothing")
    }
  }

  @Test(arguments: [
    ("localhost", "http://localhost", true), ("localhost:80", "http://localhost", true),
    ("localhost", "http://localhost:80", true), ("localhost:", "http://localhost", true),
    ("localhost:443", "https://localhost", true), ("localhost", "https://localhost:443", true),
    ("localhost", "https://localhost", true), ("LOCALHOST:1", "http://localhost:1", true),
    ("[::1]:8080", "http://[::1]:8080", true), ("[::1]", "http://[::1]", true), ("[::1]:8080", "http://[::1]", false),
    ("[::1]:8080", "http://[::2]:8080", false), ("localhost:80", "https://localhost", false),
    ("localhost:443", "http://localhost", false), ("localhost:8080", "http://localhost", false),
    ("localhost", "http://localhost:8080", false),
  ])
  func anOriginHasTheHostAndPortThatWereAskedFor(host: String, origin: String, isOwn: Bool) {
    #expect(refusal("POST /things", [("Host", host), ("Origin", origin)]) == (isOwn ? nil : .crossSite))
  }

  // MARK: The token

  @Test(
    arguments: [
      ([("Authorization", "Bearer abcdefghijklmnop")], true), ([("authorization", "bEARER abcdefghijklmnop")], true),
      ([], false), ([("Authorization", "Bearer abcdefghijklmnox")], false), ([("Authorization", "")], false),
      ([("Cookie", "token=abcdefghijklmnop; Authorization=Bearer abcdefghijklmnop")], false),
      ([("Proxy-Authorization", "Bearer abcdefghijklmnop")], false), ([("X-Api-Key", "abcdefghijklmnop")], false),
      ([("Authorization", "Bearer abcdefghijklmnop"), ("Authorization", "Bearer abcdefghijklmnop")], false),
      ([("Authorization", "Bearer wrong-wrong-wrong"), ("Authorization", "Bearer abcdefghijklmnop")], false),
    ] as [([(String, String)], Bool)])
  func aTokenIsWantedForTheAPI(fields: [(String, String)], isCarried: Bool) {
    let rules = rules(token: true)
    let requests = [
      "GET /things", "HEAD /things", "POST /things", "OPTIONS /things", "GET /probe", "GET /datagrams", "PUT /things",
    ]
    for request in requests {
      #expect(
        refusal(request, [Self.ours] + fields, by: rules) == (isCarried ? nil : .unauthorized), "\(request)")
    }
    #expect(refusal("GET /open", fields, by: rules) == nil && refusal("OPTIONS *", fields, by: rules) == nil)
  }

  // MARK: Control

  @Test(
    arguments: [
      ("127.0.0.1:50000", nil, true), ("127.8.8.8:50000", nil, true), ("[::1]:50000", nil, true),
      ("10.0.0.1:50000", nil, false), ("[fe80::1%1]:50000", nil, false), ("[2001:db8::1]:1", nil, false),
      ("127.0.0.1:50000", "Forwarded", false), ("127.0.0.1:50000", "X-Forwarded-For", false), ("[::1]:5", "Via", false),
      ("127.0.0.1:50000", "x-real-ip", false), ("127.0.0.1:50000", "X-FORWARDED-Proto", false),
      ("127.0.0.1:50000", "CF-Connecting-IP", false), ("127.0.0.1:50000", "True-Client-IP", false),
      ("127.0.0.1:50000", "X-Client-IP", false), ("127.0.0.1:50000", "X-Forwarded", false),
      ("127.0.0.1:50000", "Referer", true), ("127.0.0.1:50000", "X-Forward", true),
    ] as [(String, String?, Bool)])
  func withoutATokenOnlyThisMachinesProgramsControl(peer: String, header: String?, isAllowed: Bool) {
    let fields = [Self.ours] + (header.map { [($0, "127.0.0.1")] } ?? [])
    for request in ["PUT /things", "GET /datagrams", "HEAD /datagrams"] {
      #expect(refusal(request, fields, from: peer) == (isAllowed ? nil : .controlRefused), "\(request)")
    }
    // Sending, and reading the rest, is open; so is the question what there is.
    for request in ["POST /things", "GET /things", "OPTIONS /things", "GET /probe"] {
      #expect(refusal(request, fields, from: peer) == nil, "\(request)")
    }
    let token = [("Authorization", "Bearer \(Self.token)")]
    #expect(refusal("PUT /things", fields + token, by: rules(token: true), from: peer) == nil, "the token is enough")
    #expect(refusal("PUT /things", fields, by: rules(token: true), from: peer) == .unauthorized)
  }

  // MARK: The order

  @Test func whatIsWrongFirstIsSaidFirst() {
    let foreign = ("Host", "evil.example"), cross = ("Sec-Fetch-Site", "cross-site")
    let stranger = "10.0.0.1:50000"
    #expect(refusal("GET /nowhere", [foreign]) == .wrongHost && refusal("DELETE /things", [foreign]) == .wrongHost)
    #expect(refusal("POST /nowhere", [Self.ours, cross], by: rules(token: true)) == .notFound)
    #expect(refusal("DELETE /things", [Self.ours, cross], by: rules(token: true)) == .methodNotAllowed)
    #expect(refusal("POST /things", [Self.ours, cross], by: rules(token: true)) == .crossSite)
    #expect(refusal("PUT /things", [Self.ours, cross], from: stranger) == .crossSite)
    #expect(refusal("PUT /things", [Self.ours], by: rules(token: true), from: stranger) == .unauthorized)
  }
}
