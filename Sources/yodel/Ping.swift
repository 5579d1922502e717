import ArgumentParser
import Basics
import EventLoop
import Gateway
import Glibc
import Relay
import Sockets

struct Ping: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Send a series of datagrams and tell what became of each, until Ctrl+C.",
    discussion: """
      Fifty of them, ten a second, and what became of each as JSON:

        yodel ping 127.0.0.1:9999 -i 0.1 -c 50 --json

      Datagrams leave on schedule whatever comes back. Ends with a summary; exits with 0 if anything came back, with 1 \
      if nothing did. Past \(Limits.exactRoundTrips) replies percentiles are at most 0.4 % off.
      """)

  @Argument(
    help: ArgumentHelp("Where to. (default: 127.0.0.1:9999)", valueName: "host:port"), transform: HostPort.read)
  var target = HostPort(host: "127.0.0.1", port: 9999)

  @Option(
    name: .customShort("c"), help: ArgumentHelp("How many datagrams. (default: until Ctrl+C)", valueName: "count"))
  var count: Int?

  @Option(
    name: .customShort("i"),
    help: ArgumentHelp(
      "From one datagram to the next, in seconds; 0 sends the next when the last is decided.", valueName: "seconds"))
  var interval = 1.0

  @Option(
    name: .customShort("W"), help: ArgumentHelp("How long each has to come back, in seconds.", valueName: "seconds"))
  var wait = 2.0

  @Option(
    name: .customShort("s"),
    help: ArgumentHelp(
      "Bytes of each, from \(Limits.probeSize.lowerBound) to \(Limits.probeSize.upperBound).", valueName: "bytes"))
  var size = Limits.defaultProbeSize

  @Flag(help: "Print an object a line, as POST /api/probes does, the summary last.")
  var json = false

  func validate() throws {
    guard target.port > 0 else { throw ValidationError("'\(target)' has no port to send to") }
    guard count ?? 1 > 0 else { throw ValidationError("-c must be at least 1") }
    guard interval == 0 || (0.001...86_400).contains(interval) else {
      throw ValidationError("-i must be 0, or from 0.001 to 86400 seconds")
    }
    guard (0.001...86_400).contains(wait) else { throw ValidationError("-W must be from 0.001 to 86400 seconds") }
    try check("-s", size, in: Limits.probeSize)
    guard interval == 0 || wait / interval <= Double(Limits.undecidedProbes) else {
      throw ValidationError(
        "-W \(wait) at -i \(interval) would leave more than \(Limits.undecidedProbes) datagrams undecided at once")
    }
  }

  func run() async throws {
    let address: SocketAddress
    do { address = try Resolver.resolve(target)[0] } catch {
      // Nothing has begun that Ctrl+C would have to end in order.
      SignalWatcher.unblock([SIGINT, SIGTERM])
      throw error
    }
    let place = Target(name: nil, address: address)
    let plan = ProbePlan(count: count, interval: .seconds(interval), size: size, timeout: .seconds(wait))
    let prober = UDPProber(on: Main.loop, budget: ExchangeBudget(limit: 1), places: SeriesBudget(limit: 1))
    let printer = PingPrinter(asked: target, address: address, size: size, isJSON: json)
    printer.begin()
    let session: ProbeSession
    do throws(RelayError) { session = try await prober.begin(plan, with: place) } catch {
      printer.flush()
      Console.complain(error.words(place, timeout: plan.timeout))
      throw ExitCode.failure
    }
    let summary = try await print(session, printer)
    if summary.returned == 0 { throw ExitCode.failure }
  }

  private func print(_ session: ProbeSession, _ printer: PingPrinter) async throws -> ProbeSummary {
    // The first signal ends the series, a later one the program. Not one that comes along with the first: timeout(1)
    // signals its child and then the child's group.
    let watcher = try SignalWatcher([SIGTERM, SIGINT], on: Main.loop) { _ in
      session.end()
      Task {
        try await Task.sleep(for: .milliseconds(200))
        SignalWatcher.unblock([SIGTERM, SIGINT])
      }
    }
    try await watcher.start()
    while true {
      switch await session.next() {
      case .lines(let lines): printer.print(lines)
      case .summary(let summary):
        await watcher.stop()
        printer.end(summary)
        return summary
      }
    }
  }
}
