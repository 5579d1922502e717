public import Basics
public import Echo
public import Sockets

/// What a gateway is started with. The defaults are those of `yodel serve`.
public struct GatewayConfiguration: Sendable {
  /// Where HTTP listens; nil for port 8080 on both loopbacks.
  public var http: [SocketAddress]?
  /// Where the embedded echo server listens; nil for port 9999 on both loopbacks.
  public var udp: [SocketAddress]?
  /// Sockets that are bound already, by a service manager: those of TCP stand for ``http``, those of UDP for ``udp``.
  /// The gateway takes them over.
  public var inherited: [InheritedSocket] = []
  /// There is an embedded echo server.
  public var hasEcho = true
  /// Further targets by name; the first is the default target where there is no embedded echo server.
  public var targets: [(name: String, place: HostPort)] = []
  /// How long a message waits for its reply unless it says otherwise.
  public var timeout = Nanoseconds.milliseconds(Limits.defaultTimeoutMilliseconds)
  /// Exchanges in flight over all loops; as many sockets may rest, and as many be retired.
  public var maxInFlight = Limits.defaultMaxInFlight
  /// Connections past which a request gets a 503.
  public var maxConnections = Limits.defaultMaxConnections
  /// Series over all loops.
  public var maxSeries = Limits.defaultMaxSeries
  /// Live feeds over all loops.
  public var maxFeeds = Limits.defaultMaxFeeds
  /// How long a feed is silent before it says that it is still there.
  var feedKeepAlive = Limits.feedKeepAlive
  /// Messages a second that a client may send; nil for ``Limits/defaultMessageRate`` beyond loopback, no bound on it.
  public var messageRate: Int?
  /// Datagrams a second that the embedded echo server answers for an IPv4 /24 or IPv6 /64 of public addresses.
  public var echoRate = Limits.defaultEchoRate
  /// What the embedded echo server does to datagrams from the start.
  public var impairments = Impairments()
  /// Event loops, each with a thread of its own.
  public var loops = 1
  /// The directory of the page's files; nil for none.
  public var publicDirectory: String?
  /// Where the page's directory was looked for in vain: told to whoever asks for the page.
  public var placesWithoutPage: [String] = []
  /// What requests may name literally as targets, beside those with a name.
  public var allowedTargets: [TargetRange] = []
  /// Names that the gateway may be called by in `Host`, beside `localhost` and every IP address.
  public var allowedHosts: [HostName] = []
  /// The files of a certificate, with its chain, and of its key, both PEM, that HTTP is encrypted with; nil for plain
  /// HTTP.
  public var tls: (certificateFile: String, keyFile: String)?
  /// The file of the token that requests must carry; nil where none is asked for.
  public var tokenFile: String?
  /// HTTP may listen beyond loopback without a token, where anyone can send messages.
  public var allowsAnonymous = false
  /// How long `/readyz` answers 503 before the end of listening.
  public var drainDelay = Nanoseconds.zero
  /// Is shown every datagram that the embedded echo server answers, on the loop that answers it.
  public var observer: (@Sendable (_ source: SocketAddress, _ bytes: UnsafeRawBufferPointer) -> Void)?

  /// The defaults.
  public init() {}

  /// The defaults, on free ports of 127.0.0.1: for a gateway within another program, such as a test suite.
  public static var onFreePorts: GatewayConfiguration {
    var configuration = GatewayConfiguration()
    let loopback = SocketAddress(.v4(IPv4Address(bits: 0x7F00_0001)), port: 0)
    configuration.http = [loopback]
    configuration.udp = [loopback]
    return configuration
  }

  /// Descriptors that are open when every bound is reached at once: three sockets for each exchange that may be in
  /// flight (see ``ExchangeBudget``), one for each series, the connections with those that are told of too many and the
  /// one being closed, a listener an address, an echo socket an address and loop, and what loops and process need for
  /// themselves.
  var descriptorsNeeded: Int {
    let exchanges = 3 * maxInFlight + maxSeries
    let connections = maxConnections + Limits.connectionsOverLimit + 1
    let listeners = max(http?.count ?? 2, inherited.count)
    let echo = hasEcho ? max((udp?.count ?? 2) * loops, inherited.count) : 0
    // Each loop might have them all, a daemon of libmicrohttpd for every so many.
    let daemons = min(Limits.daemonsPerLoop, connections / Limits.connectionsPerDaemon + 1)
    let ofLoops = loops * (Limits.descriptorsPerLoop + daemons)
    return exchanges + connections + listeners + echo + ofLoops + Limits.descriptorsOfProcess
  }

  /// Why there is no page, and how to have one.
  var reasonForNoPage: String {
    if let publicDirectory { return "there is no page: '\(publicDirectory)', named by --public, has no index.html" }
    if placesWithoutPage.isEmpty { return "this gateway was started without a page" }
    let places = placesWithoutPage.map { "'\($0)'" }.joined(separator: ", ")
    return "there is no page: no index.html that can be read is in \(places); start 'yodel serve' with --public DIR, "
      + "where DIR is the folder 'public' of Yodel's sources"
  }

  /// The sockets of a transport that are there already.
  func inherited(_ transport: BindError.Transport) -> [InheritedSocket] {
    inherited.filter { $0.transport == transport }
  }

  /// Where sockets of our own are needed: nowhere for a transport that has inherited ones.
  func addresses(_ transport: BindError.Transport) -> [SocketAddress] {
    guard inherited(transport).isEmpty else { return [] }
    return switch transport {
    case .tcp: http ?? Self.loopbacks(port: 8080)
    case .udp: udp ?? Self.loopbacks(port: 9999)
    }
  }

  /// A port on 127.0.0.1, and on ::1 where there is IPv6.
  static func loopbacks(port: UInt16) -> [SocketAddress] {
    let v6 = IPAddress.v6(IPv6Address(high: 0, low: 1))
    let v4 = SocketAddress(.v4(IPv4Address(bits: 0x7F00_0001)), port: port)
    return LocalNetworks().addresses.contains(v6) ? [v4, SocketAddress(v6, port: port)] : [v4]
  }
}
