import Basics
import Echo
import EventLoop
import HTTPServer
public import Logging
import Relay
public import Sockets

/// A running gateway: HTTP in front, a relay behind it, and an echo server beside them, on one loop a core.
///
/// ```swift
/// var configuration = GatewayConfiguration()
/// configuration.http = [SocketAddress("127.0.0.1:0")!]
/// configuration.udp = [SocketAddress("127.0.0.1:0")!]
/// let gateway = try await Gateway.start(configuration)
/// // … requests to gateway.httpAddresses …
/// await gateway.stop()
/// ```
public final class Gateway: Sendable {
  private let core: GatewayCore
  private let threads: [LoopThread]
  private let server: HTTPServer

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
      let core = try makeCore(configuration, loops: threads.map(\.loop))
      let server = try makeServer(core, logger: logger)
      let gateway = Gateway(core: core, threads: threads, server: server)
      do throws(SocketError) {
        try await core.echo?.start()
        try await server.start()
      } catch {
        await gateway.close()
        throw .noLoops(error)
      }
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

  /// Ends the gateway: `/readyz` answers 503 at once, no connection is taken after the configured delay, every exchange
  /// in flight gets its reply or its timeout, then everything is closed. Once.
  public func stop() async {
    core.beginDraining()
    if core.configuration.drainDelay > .zero {
      try? await Task.sleep(nanoseconds: UInt64(core.configuration.drainDelay.count))
    }
    await close()
    Self.end(threads)
  }

  /// Ends what has begun to serve, even if not all of it has.
  private func close() async {
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
    _ configuration: GatewayConfiguration, loops: [EventLoop]
  ) throws(StartupError) -> GatewayCore {
    let echo = try makeEcho(configuration, loops: loops)
    let targets = try makeTargets(configuration, echo: echo)
    return GatewayCore(
      configuration, loops: loops, targets: targets, files: try readPage(configuration), echo: echo)
  }

  private static func makeEcho(
    _ configuration: GatewayConfiguration, loops: [EventLoop]
  ) throws(StartupError) -> EchoServer? {
    guard configuration.hasEcho else { return nil }
    let addresses = configuration.udp ?? GatewayConfiguration.loopbacks(port: 9999)
    do throws(BindError) {
      return try EchoServer(on: loops, addresses: addresses, observer: configuration.observer)
    } catch {
      throw .cannotListen(error)
    }
  }

  private static func makeTargets(
    _ configuration: GatewayConfiguration, echo: EchoServer?
  ) throws(StartupError) -> TargetTable {
    var targets: [Target] = []
    if let echo { targets.append(Target(name: "echo", address: echo.addresses[0].reachable, isEmbedded: true)) }
    for (name, place) in configuration.targets {
      guard !targets.contains(where: { $0.name == name }) else { throw .doubledTarget(name) }
      do throws(Resolver.Failure) {
        targets.append(Target(name: name, address: try Resolver.resolve(place)[0]))
      } catch {
        throw .unresolvedTarget(name: name, error)
      }
    }
    if targets.isEmpty { throw .noTarget }
    return TargetTable(targets)
  }

  private static func readPage(_ configuration: GatewayConfiguration) throws(StartupError) -> StaticFiles {
    guard let directory = configuration.publicDirectory else { return StaticFiles() }
    do throws(StaticFiles.Failure) {
      return try StaticFiles(directory: directory)
    } catch {
      throw .unreadablePage("\(error)")
    }
  }

  private static func makeServer(_ core: GatewayCore, logger: Logger) throws(StartupError) -> HTTPServer {
    let addresses = core.configuration.http ?? GatewayConfiguration.loopbacks(port: 8080)
    if let open = addresses.first(where: { !$0.ip.isLoopback }), !core.configuration.allowsAnonymous {
      throw .openToAll(open)
    }
    let loops = core.loops.indices.map { index in
      (loop: core.loops[index], application: GatewayLoop(core, index: index) as any HTTPApplication)
    }
    do throws(BindError) {
      let server = try HTTPServer(
        on: loops, addresses: addresses, maxConnections: core.configuration.maxConnections,
        log: { logger.warning("\($0)") })
      core.listens(server)
      return server
    } catch {
      throw .cannotListen(error)
    }
  }
}
