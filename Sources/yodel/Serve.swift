import ArgumentParser
import Basics
import FoundationEssentials
import Gateway
import Glibc
import Logging
import Sockets

struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run the HTTP gateway and the page, with an embedded UDP echo server.",
    discussion: """
      Every option has an environment variable: --max-in-flight is YODEL_MAX_IN_FLIGHT. Repeatable ones take commas \
      there. The option wins.

      Send to what listens on port 9999 already, instead of an echo server of its own:

        yodel serve --no-echo --target lab=127.0.0.1:9999

      Let others in:

        (umask 077; openssl rand -hex 32 > token)
        yodel serve --http 0.0.0.0:8080 --token-file token

      See what a client does when every tenth datagram is lost:

        yodel serve --loss 10 --delay 50 --jitter 5

      Ctrl+C or SIGTERM ends it once every message in flight has its answer; a second one at once. SIGHUP has it read \
      its certificate anew. GET /api lists what it answers, /openapi.json in full.
      """)

  @Option(
    help: ArgumentHelp(
      "Where HTTP listens; repeatable; port 0 takes a free one. (default: 127.0.0.1:8080 and, where there is IPv6, "
        + "[::1]:8080)",
      valueName: "host:port"), transform: SocketAddress.read)
  var http: [SocketAddress] = []

  @Option(
    help: ArgumentHelp(
      "Where the embedded echo server listens; repeatable; port 0 likewise. (default: 127.0.0.1:9999 and, "
        + "where there is IPv6, [::1]:9999)",
      valueName: "host:port"), transform: SocketAddress.read)
  var udp: [SocketAddress] = []

  @Flag(help: "No embedded echo server; then a --target is needed.")
  var noEcho = false

  @Option(
    help: ArgumentHelp(
      "A named UDP target; repeatable. A DNS name is resolved at start. The first is the default target where there is "
        + "no embedded server. (default: 'echo', the embedded server's first address)",
      valueName: "name=host:port"), transform: NamedTarget.read)
  var target: [NamedTarget] = []

  @Option(
    help: ArgumentHelp(
      "Let requests name any literal ADDRESS:PORT inside it as target; repeatable. Without a port: 1024 and up; IPv6 "
        + "with one is [fd00::/8]:5000. Loopback, link-local and IPv6 that carries IPv4 need a range inside theirs.",
      valueName: "cidr[:port[-port]]"), transform: TargetRange.read)
  var allowTarget: [TargetRange] = []

  @Option(
    help: ArgumentHelp("How long a message waits, in milliseconds; a request may ask for 1 to 10000.", valueName: "n"))
  var timeoutMs = Limits.defaultTimeoutMilliseconds

  @Option(
    help: ArgumentHelp(
      "Exchanges in flight over all loops; as many sockets may rest, and as many be retired.", valueName: "n"))
  var maxInFlight = Limits.defaultMaxInFlight

  @Option(
    help: ArgumentHelp(
      "HTTP connections, a quarter of them for one client beyond loopback; past them a request gets a 503.",
      valueName: "n"))
  var maxConnections = Limits.defaultMaxConnections

  @Option(
    help: ArgumentHelp("Series of /api/probes at once over all loops; past them a 503.", valueName: "n"))
  var maxSeries = Limits.defaultMaxSeries

  @Option(
    help: ArgumentHelp(
      "Live feeds of /api/datagrams, \(Limits.feedsPerClient) of them for one client; past them a 503.", valueName: "n")
  )
  var maxFeeds = Limits.defaultMaxFeeds

  @Option(
    help: ArgumentHelp(
      "Messages a second that a client may send, past which a 429; a given N holds on loopback too. (default: "
        + "\(Limits.defaultMessageRate) beyond loopback, no bound on it)",
      valueName: "n"))
  var messageRate: Int?

  @Option(help: echoRateHelp)
  var echoRate = Limits.defaultEchoRate

  @OptionGroup(title: "Impairments of the embedded echo server")
  var impairments: ImpairmentOptions

  @Option(help: ArgumentHelp("Event loops. (default: the number of cores)", valueName: "n"))
  var loops: Int?

  @Option(
    help: ArgumentHelp(
      "The page's files. (default: 'public' beside the executable, in the working directory, or in /usr/share/yodel; "
        + "without any there is no page)",
      valueName: "dir"))
  var `public`: String?

  @Option(
    help: ArgumentHelp(
      "The file of a bearer token, at least \(Limits.tokenLength.lowerBound) characters, that every request to /api, "
        + "/metrics and /probe must carry.",
      valueName: "file"))
  var tokenFile: String?

  @Option(
    help: ArgumentHelp(
      "Speak HTTPS, with the certificate and its chain in this file (PEM). SIGHUP reads it anew; open connections go "
        + "on.",
      valueName: "file"))
  var tlsCertificate: String?

  @Option(help: ArgumentHelp("The certificate's private key (PEM), without a passphrase.", valueName: "file"))
  var tlsKey: String?

  @Flag(
    help: ArgumentHelp(
      "Let --http listen beyond loopback without a token, where anyone who reaches it can send messages and series; "
        + "impairments and traffic stay with this machine."))
  var allowAnonymous = false

  @Option(
    help: ArgumentHelp(
      "A further name that the gateway is called by in Host; repeatable. IP addresses and localhost always are.",
      valueName: "name"))
  var allowHost: [HostName] = []

  @Flag(help: "Print a line a datagram on standard output, as 'yodel echo' does.")
  var printDatagrams = false

  @Option(help: ArgumentHelp("Seconds between /readyz turning 503 and the end of listening.", valueName: "s"))
  var drainDelay = 0.0

  @Option(
    help: ArgumentHelp(
      "The lowest level that is logged, on standard error.", valueName: "level"))
  var logLevel = Logger.Level.info

  @Option(help: ArgumentHelp("How the log looks: an object a line is json.", valueName: "text|json"))
  var logFormat = LogFormat.text

  func validate() throws {
    try check("--timeout-ms", timeoutMs, in: Limits.timeoutMilliseconds)
    try check("--max-in-flight", maxInFlight, in: Limits.capacities)
    try check("--max-connections", maxConnections, in: Limits.capacities)
    try check("--max-series", maxSeries, in: Limits.capacities)
    try check("--max-feeds", maxFeeds, in: Limits.capacities)
    try check("--loops", loops ?? 1, in: Limits.loops)
    try checkRate("--message-rate", messageRate ?? Limits.defaultMessageRate)
    try checkRate("--echo-rate", echoRate)
    if noEcho, impairments.impairments != .init() {
      throw ValidationError(
        "--loss and its like impair the embedded echo server, which --no-echo leaves out; 'yodel echo --loss 10' is "
          + "one that stands alone")
    }
    guard (0...3600).contains(drainDelay) else { throw ValidationError("--drain-delay must be from 0 to 3600 seconds") }
  }

  func run() async throws {
    let tls = try tlsFiles()
    signal(SIGPIPE, SIG_IGN)
    let log = LineWriter.log(logFormat)
    defer { log.flush() }
    let logger = Logger(label: "yodel") { [logFormat, logLevel] _ in
      LineLogHandler(logFormat, level: logLevel, writer: log)
    }
    for complaint in [EnvironmentOptions().complaint, uselessWithoutEcho].compactMap({ $0 }) {
      logger.warning("\(complaint)")
    }
    let printer = printDatagrams ? DatagramPrinter { logger.warning("\($0)") } : nil
    let environment = ProcessInfo.processInfo.environment
    let manager = ServiceManager.take(environment, on: Main.loop) { logger.error("\($0)") }
    var configuration = gatewayConfiguration(printer, tls)
    configuration.inherited = try PassedSockets.take(environment).sockets
    let gateway = try await Gateway.start(configuration, logger: logger)
    announce(gateway)
    let status = "Serving on \(places(gateway))"
    await manager?.ready(status)
    await manager?.watch { gateway.stuckLoop }
    let reload = {
      await manager?.reloading()
      gateway.reloadCertificate()
      await manager?.ready(status)
    }
    try await untilSignalled(reload: reload) {
      await manager?.stopping("Answering what is in flight", within: longestDrain)
      await gateway.stop()
    }
    printer?.flush()
  }

  /// What `--no-echo` leaves without an effect, which harms nobody, unlike impairments that are missing.
  private var uselessWithoutEcho: String? {
    guard noEcho else { return nil }
    let useless = [
      "--udp": !udp.isEmpty, "--echo-rate": echoRate != Limits.defaultEchoRate, "--print-datagrams": printDatagrams,
    ].filter(\.value).keys.sorted()
    if useless.isEmpty { return nil }
    return "--no-echo leaves \(useless.joined(separator: " and ")) without an effect: there is no echo server"
  }

  /// The two files that belong together. Not a matter of `validate()`: variables of the environment come one by one.
  private func tlsFiles() throws -> (certificateFile: String, keyFile: String)? {
    switch (tlsCertificate, tlsKey) {
    case (let certificate?, let key?): return (certificate, key)
    case (nil, nil): return nil
    case (_?, nil): throw ValidationError("--tls-certificate needs --tls-key, the file of its private key")
    case (nil, _?): throw ValidationError("--tls-key needs --tls-certificate, the file of its certificate")
    }
  }

  private func gatewayConfiguration(
    _ printer: DatagramPrinter?, _ tls: (certificateFile: String, keyFile: String)?
  ) -> GatewayConfiguration {
    var configuration = GatewayConfiguration()
    configuration.tls = tls
    if !http.isEmpty { configuration.http = http }
    if !udp.isEmpty { configuration.udp = udp }
    configuration.hasEcho = !noEcho
    configuration.targets = target.map { ($0.name, $0.place) }
    configuration.allowedTargets = allowTarget
    configuration.allowedHosts = allowHost
    configuration.tokenFile = tokenFile
    configuration.timeout = .milliseconds(timeoutMs)
    configuration.maxInFlight = maxInFlight
    configuration.maxConnections = maxConnections
    configuration.maxSeries = maxSeries
    configuration.maxFeeds = maxFeeds
    configuration.messageRate = messageRate
    configuration.echoRate = echoRate
    configuration.impairments = impairments.impairments
    configuration.loops = loops ?? Self.cores
    configuration.publicDirectory = `public` ?? PageDirectory.find()
    if configuration.publicDirectory == nil { configuration.placesWithoutPage = PageDirectory.places }
    configuration.allowsAnonymous = allowAnonymous
    configuration.drainDelay = .seconds(drainDelay)
    configuration.observer = printer?.observer
    return configuration
  }

  /// What draining may take: the delay, the longest timeout of a message, and the reading of its answer.
  private var longestDrain: Nanoseconds {
    let longestMessage = Double(Limits.timeoutMilliseconds.upperBound) / 1000
    return .seconds(drainDelay + longestMessage + Limits.drainSending.seconds + 5)
  }

  private func urls(_ gateway: Gateway) -> [String] {
    let scheme = tlsCertificate == nil ? "http" : "https"
    return gateway.httpAddresses.map { "\(scheme)://\($0)" }
  }

  /// Where it listens, in one line.
  private func places(_ gateway: Gateway) -> String {
    let http = urls(gateway)
    let udp = gateway.udpAddresses.map { "udp://\($0)" }
    return (http + udp).joined(separator: " ")
  }

  private func announce(_ gateway: Gateway) {
    var lines = ["HTTP: " + urls(gateway).joined(separator: " ")]
    let udp = gateway.udpAddresses.map(\.description).joined(separator: " ")
    if !udp.isEmpty { lines.append("UDP echo: " + udp) }
    let token = tokenFile.map { "-H \"Authorization: Bearer $(cat \(Self.quoted($0)))\" " } ?? ""
    lines.append("Try: curl \(trust(gateway))\(token)-d 'hello from client!!' \(gateway.url)/api/messages")
    Console.write(lines.joined(separator: "\n") + "\n")
  }

  /// What has curl take the certificate: the file itself where it is for the address that is shown, else no check.
  private func trust(_ gateway: Gateway) -> String {
    guard let tlsCertificate else { return "" }
    let host = gateway.url.dropFirst("https://".count).prefix { $0 != "/" }
      .split(separator: ":", omittingEmptySubsequences: false).dropLast()
    let address = host.joined(separator: ":").filter { $0 != "[" && $0 != "]" }
    return gateway.isTrusted(as: address) ? "--cacert \(Self.quoted(tlsCertificate)) " : "-k "
  }

  /// A file's name as a shell takes it for one word, within double quotes too.
  private static func quoted(_ file: String) -> String {
    let isPlain = file.utf8.allSatisfy { $0.isNameByte || $0 == UInt8(ascii: "/") }
    return isPlain ? file : "'" + file.replacing("'", with: "'\\''") + "'"
  }

  /// The cores that this process may use.
  static var cores: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
}
