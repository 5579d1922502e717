import Basics
import Echo
import EventLoop
import HTTPServer
import Logging
import Relay
import Sockets
import Synchronization

/// What the loops of a gateway share, all of it fixed before the first request but for the end.
final class GatewayCore: Sendable {
  let configuration: GatewayConfiguration
  let log: OperatorLog
  let loops: [EventLoop]
  let targets: TargetTable
  let access: AccessRules
  let router: Router
  let echo: EchoServer?
  let budget: ExchangeBudget
  /// Where the gateway's own datagrams come from; whoever opens a socket to send from says so here.
  let ports: RelayPorts
  /// For all loops together: a client's connections are on any of them.
  let messageLimiter: Locked<RateLimiter>
  let feeds: FeedPlaces
  let series: SeriesBudget
  let relays: [UDPRelay]
  let probers: [UDPProber]
  let metrics: [LoopMetrics]
  let startedAt = MonotonicTime.now()
  let startedAtWallTime = WallTime.now()
  /// The API's description; empty until somebody asks.
  let openAPI = Locked<[UInt8]>([])
  private let draining = Atomic<Bool>(false)
  private let http = Locked<HTTPServer?>(nil)

  init(
    _ configuration: GatewayConfiguration, logger: Logger, loops: [EventLoop], targets: TargetTable,
    access: AccessRules, files: StaticFiles, echo: EchoServer?, ports: RelayPorts
  ) {
    self.configuration = configuration
    log = OperatorLog(logger, on: loops[0])
    self.loops = loops
    self.targets = targets
    self.access = access
    self.echo = echo
    self.ports = ports
    router = Router(Route.all, files: files)
    let budget = ExchangeBudget(limit: configuration.maxInFlight)
    self.budget = budget
    messageLimiter = Locked(RateLimiter(rate: configuration.messageRate ?? Limits.defaultMessageRate))
    let restingCapacity = (configuration.maxInFlight + loops.count - 1) / loops.count
    relays = loops.map { UDPRelay(on: $0, budget: budget, restingCapacity: restingCapacity, ports: ports) }
    feeds = FeedPlaces(limit: configuration.maxFeeds)
    let series = SeriesBudget(limit: configuration.maxSeries)
    self.series = series
    probers = loops.map { UDPProber(on: $0, budget: budget, places: series, ports: ports) }
    metrics = loops.map { _ in LoopMetrics() }
  }

  /// The gateway ends; it is not ready any more.
  var isDraining: Bool { draining.load(ordering: .relaxed) }

  func beginDraining() {
    draining.store(true, ordering: .relaxed)
  }

  /// A loop that something blocks, and for how long.
  var stuckLoop: (name: String, since: Nanoseconds)? {
    for loop in loops {
      let since = loop.sinceLastTurn
      if since > Limits.unhealthyAfter { return (loop.name, since) }
    }
    return nil
  }

  /// Has the embedded echo server answer, where there is one.
  func startEcho() async throws(SocketError) {
    try await echo?.start { [log] in log.note("impairments expired") }
  }

  /// Changes what the embedded echo server does to datagrams, and notes it; answers what is in force.
  func impair(_ echo: EchoServer, _ change: Impairments.Change) async throws(Impairments.Fault) -> Impairments {
    let inForce = try await echo.impair(change)
    // Who asks for no change changes nothing.
    if change.isWhole || !change.edits.isEmpty { log.note("impairments changed", ["impairments": "\(inForce)"]) }
    return inForce
  }

  /// The server in front; nil until it listens.
  var server: HTTPServer? { http.withLock { $0 } }

  func listens(_ server: HTTPServer) {
    http.withLock { $0 = server }
  }

  /// The server has ended. It answers by this core, so they let go of each other here.
  func forgetServer() {
    http.withLock { $0 = nil }
  }

  /// How URLs of this gateway begin.
  var scheme: String { configuration.tls == nil ? "http" : "https" }

  /// The URL to show to people.
  var url: String {
    server.flatMap { $0.addresses.first }.map { "\(scheme)://\($0.reachable)" } ?? "http://127.0.0.1:8080"
  }

  /// How the curl lines that we show begin. The token itself is never shown.
  var curl: String {
    access.token == nil ? "curl " : "curl -H \"Authorization: Bearer $YODEL_TOKEN\" "
  }

  /// The curl line that uses a route.
  func curlLine(_ route: Route) -> String {
    let options = route.curlOptions.replacing(Route.targetInCurlLines, with: targets.default.label)
    return (route.access < .api ? "curl " : curl) + options + url + route.path
  }
}

extension SocketAddress {
  /// An address that a client on this machine can use: where the wildcard is listened on, loopback is.
  var reachable: SocketAddress {
    switch ip {
    case .v4 where ip.isUnspecified: SocketAddress(.v4(IPv4Address(bits: 0x7F00_0001)), port: port)
    case .v6 where ip.isUnspecified: SocketAddress(.v6(IPv6Address(high: 0, low: 1)), port: port)
    default: self
    }
  }
}
