public import Basics
public import Echo
import EventLoop
import HTTPServer
public import Logging
import Relay
public import Sockets
import TLS

/// A running gateway: HTTP in front, a relay behind it, and an echo server beside them, on one loop a core.
///
/// ```swift
/// let gateway = try await Gateway.start(.onFreePorts)
/// try await gateway.impair { $0.lossPercent = 10 }
/// // … requests to gateway.url, datagrams to gateway.udpAddresses …
/// await gateway.stop()
/// ```
public final class Gateway: Sendable {
  let core: GatewayCore
  private let threads: [LoopThread]
  let server: HTTPServer

  private init(core: GatewayCore, threads: [LoopThread], server: HTTPServer) {
    self.core = core
    self.threads = threads
    self.server = server
  }

  /// Starts a gateway; when this returns, it answers.
  ///
  /// - Throws: ``StartupError``; nothing is left running then.
  public static func start(
    _ configuration: GatewayConfiguration, logger: Logger = Logger(label: "yodel")
  ) async throws(StartupError) -> Gateway {
    try requireDescriptors(configuration)
    let threads = try startLoops(configuration.loops)
    do throws(StartupError) {
      let core = try makeCore(configuration, logger, loops: threads.map(\.loop))
      let server = try makeServer(core)
      let gateway = Gateway(core: core, threads: threads, server: server)
      do throws(SocketError) {
        try await core.startEcho()
        try await server.start()
      } catch {
        await gateway.close()
        throw .noLoops(error)
      }
      gateway.noteStart()
      gateway.notePage()
      gateway.noteCertificate()
      return gateway
    } catch {
      end(threads)
      throw error
    }
  }

  /// Where HTTP is listened on, ports known.
  public var httpAddresses: [SocketAddress] { server.addresses }
  /// Where the embedded echo server is; empty without one.
  public var udpAddresses: [SocketAddress] { core.echo?.addresses ?? [] }
  /// The URL to show to people.
  public var url: String { core.url }

  /// Sets what the embedded echo server does to datagrams, as `PUT /api/echo/impairments` does: all of it, beginning
  /// with none. When this returns, it is so in every loop.
  ///
  /// - Parameter configure: says what is to be done; a closure that says nothing ends all impairments.
  /// - Returns: what is in force, its seed told.
  /// - Throws: the fault of what is asked for; then nothing has changed.
  /// - Precondition: there is an embedded echo server.
  @discardableResult
  public func impair(
    _ configure: (inout Impairments) -> Void
  ) async throws(Impairments.Fault) -> Impairments {
    guard let echo = core.echo else { preconditionFailure("there is no embedded echo server to impair") }
    var impairments = Impairments()
    configure(&impairments)
    return try await core.impair(echo, .init(to: impairments))
  }

  /// An event loop that has not turned for ``Limits/unhealthyAfter``, and for how long; nil where all of them turn,
  /// which is what `/healthz` tells. From any thread.
  public var stuckLoop: (name: String, since: Nanoseconds)? { core.stuckLoop }

  /// Ends the gateway: `/readyz` answers 503 at once, no connection is taken after the configured delay, every exchange
  /// in flight gets its reply or its timeout, then everything is closed. Once.
  public func stop() async {
    core.beginDraining()
    let began = MonotonicTime.now()
    core.log.note(
      "draining", ["connections": "\(server.connections)", "in_flight": "\(core.budget.inFlight)"])
    if core.configuration.drainDelay > .zero {
      try? await Task.sleep(nanoseconds: UInt64(core.configuration.drainDelay.count))
    }
    await close()
    core.log.finish()
    core.log.note("stopped", ["draining_ms": "\((MonotonicTime.now() - began).milliseconds)"])
    Self.end(threads)
  }

  /// Ends what has begun to serve, even if not all of it has.
  private func close() async {
    for prober in core.probers { await prober.endAll() }
    await server.drain()
    await server.stop()
    await core.echo?.stop()
    core.forgetServer()
  }
}

// MARK: - Starting

extension Gateway {
  private static func requireDescriptors(_ configuration: GatewayConfiguration) throws(StartupError) {
    let needed = configuration.descriptorsNeeded
    let allowed = DescriptorLimit.raise(to: needed)
    guard allowed >= needed else { throw .tooFewDescriptors(needed: needed, allowed: allowed) }
  }

  private func noteStart() {
    func list(_ addresses: [SocketAddress]) -> Logger.MetadataValue {
      "\(addresses.map(\.description).joined(separator: " "))"
    }
    var metadata: Logger.Metadata = [
      "version": "\(version)", "http": list(httpAddresses), "udp": list(udpAddresses),
      "loops": "\(core.loops.count)",
    ]
    if core.configuration.impairments.isActive { metadata["impairments"] = "\(core.configuration.impairments)" }
    core.log.note("started", metadata)
  }

  /// Says that there is no page, unless none was wanted.
  private func notePage() {
    let configuration = core.configuration
    let isWanted = configuration.publicDirectory != nil || !configuration.placesWithoutPage.isEmpty
    if isWanted, !core.router.hasPage { core.log.complain("\(configuration.reasonForNoPage)", [:]) }
  }

  private static func startLoops(_ count: Int) throws(StartupError) -> [LoopThread] {
    var threads: [LoopThread] = []
    do throws(SocketError) {
      for index in 0..<max(1, count) { threads.append(try LoopThread(name: "yodel-loop-\(index)")) }
    } catch {
      end(threads)
      throw .noLoops(error)
    }
    return threads
  }

  private static func end(_ threads: [LoopThread]) {
    for thread in threads { thread.loop.stop() }
    for thread in threads { thread.join() }
  }

  private static func makeCore(
    _ configuration: GatewayConfiguration, _ logger: Logger, loops: [EventLoop]
  ) throws(StartupError) -> GatewayCore {
    let access = try makeAccess(configuration, logger: logger)
    let ports = RelayPorts()
    let echo = try makeEcho(configuration, loops: loops, ports: ports)
    let targets = try makeTargets(configuration, echo: echo)
    return GatewayCore(
      configuration, logger: logger, loops: loops, targets: targets, access: access,
      files: try readPage(configuration), echo: echo, ports: ports)
  }

  private static func makeAccess(
    _ configuration: GatewayConfiguration, logger: Logger
  ) throws(StartupError) -> AccessRules {
    var token: BearerToken?
    if let file = configuration.tokenFile {
      token = try BearerToken(file: file)
      if BearerToken.isReadableByAll(file) {
        logger.warning("every user of this machine can read the token in '\(file)': chmod 600 keeps it to one")
      }
    }
    let addresses = configuration.addresses(.tcp) + configuration.inherited(.tcp).map(\.address)
    if let open = addresses.first(where: { !$0.ip.isLoopback }), token == nil, !configuration.allowsAnonymous {
      throw .openToAll(open)
    }
    return AccessRules(token: token, hosts: configuration.allowedHosts, isEncrypted: configuration.tls != nil)
  }

  private static func makeEcho(
    _ configuration: GatewayConfiguration, loops: [EventLoop], ports: RelayPorts
  ) throws(StartupError) -> EchoServer? {
    guard configuration.hasEcho else {
      if let unused = configuration.inherited(.udp).first { throw .unusedSocket(unused.address) }
      return nil
    }
    if let fault = configuration.impairments.fault { throw .badImpairments(fault) }
    let own = LocalNetworks().addresses
    let log = DatagramLog { source in
      ports.contains(source.port) && (source.ip.isLoopback || own.contains(source.ip))
    }
    do throws(BindError) {
      return try EchoServer(
        on: loops, addresses: configuration.addresses(.udp), inherited: configuration.inherited(.udp),
        rate: configuration.echoRate, impairments: configuration.impairments, log: log,
        observer: configuration.observer)
    } catch {
      throw .cannotListen(error)
    }
  }

  private static func makeTargets(
    _ configuration: GatewayConfiguration, echo: EchoServer?
  ) throws(StartupError) -> TargetTable {
    var targets: [Target] = []
    let networks = LocalNetworks()
    let rules = TargetRules(
      allowed: configuration.allowedTargets, broadcasts: networks.broadcasts, interfaces: networks.interfaces)
    if let echo { targets.append(Target(name: "echo", address: echo.addresses[0].reachable, isEmbedded: true)) }
    for (name, place) in configuration.targets {
      guard !targets.contains(where: { $0.name == name }) else { throw .doubledTarget(name) }
      targets.append(Target(name: name, address: try resolve(place, for: name, rules)))
    }
    if targets.isEmpty { throw .noTarget }
    return TargetTable(targets, rules: rules)
  }

  /// The address of a configured target, which is the one that is sent to: looked up once, and checked with all others
  /// that its name has.
  private static func resolve(
    _ place: HostPort, for name: String, _ rules: TargetRules
  ) throws(StartupError) -> SocketAddress {
    let addresses: [SocketAddress]
    do throws(Resolver.Failure) {
      addresses = try Resolver.resolve(place).map(\.canonical)
    } catch {
      throw .unresolvedTarget(name: name, error)
    }
    for address in addresses {
      if let reason = rules.impossibility(address) {
        throw .impossibleTarget(name: name, host: place.host, reason: reason)
      }
    }
    return addresses[0]
  }

  private static func readPage(_ configuration: GatewayConfiguration) throws(StartupError) -> StaticFiles {
    guard let directory = configuration.publicDirectory else { return StaticFiles() }
    do throws(StaticFiles.Failure) {
      return try StaticFiles(directory: directory)
    } catch {
      throw .unreadablePage("\(error)")
    }
  }

  private static func makeServer(_ core: GatewayCore) throws(StartupError) -> HTTPServer {
    let configuration = core.configuration
    let loops = core.loops.indices.map { index in
      (loop: core.loops[index], application: GatewayLoop(core, index: index) as any HTTPApplication)
    }
    let certificate = try readCertificate(core.configuration)
    do throws(BindError) {
      let server = try HTTPServer(
        on: loops, addresses: configuration.addresses(.tcp), inherited: configuration.inherited(.tcp),
        maxConnections: configuration.maxConnections, certificate: certificate,
        log: { [log = core.log] in log.write($0) })
      core.listens(server)
      return server
    } catch {
      throw .cannotListen(error)
    }
  }
}
