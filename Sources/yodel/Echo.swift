import ArgumentParser
import Basics
import Echo
import EventLoop
import Gateway
import Glibc
import Sockets

struct Echo: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run the UDP echo server alone; it prints one line a datagram.",
    discussion: """
      Try it from another terminal, typing lines:

        nc -u 127.0.0.1 9999

      The same with a tenth of them lost and the others held back, alike each time for the same seed:

        yodel echo --loss 10 --delay 50 --jitter 5 --seed 7

      Where it listens is said on standard error; each datagram is a line such as '127.0.0.1:62810: hello' on standard \
      output, where what is no text stands as '\\xFF'.
      """)

  @Option(
    help: ArgumentHelp(
      "Where to listen; repeatable; port 0 takes a free one, 0.0.0.0 all addresses. (default: 127.0.0.1:9999)",
      valueName: "host:port"), transform: SocketAddress.read)
  var udp: [SocketAddress] = [SocketAddress("127.0.0.1:9999")!]

  @Option(help: ArgumentHelp("Event loops. (default: the number of cores)", valueName: "n"))
  var loops: Int?

  @Option(help: echoRateHelp)
  var echoRate = Limits.defaultEchoRate

  @OptionGroup(title: "Impairments")
  var impairments: ImpairmentOptions

  @Flag(help: "Print nothing of the datagrams.")
  var quiet = false

  func validate() throws {
    try check("--loops", loops ?? 1, in: Limits.loops)
    try checkRate("--echo-rate", echoRate)
  }

  func run() async throws {
    let threads = try (0..<(loops ?? Serve.cores)).map { try LoopThread(name: "yodel-loop-\($0)") }
    let printer = quiet ? nil : DatagramPrinter()
    let server = try listen(on: threads.map(\.loop), printer)
    try await server.start()
    // Standard output is for the datagrams.
    let addresses = server.addresses.map(\.description).joined(separator: " ")
    var lines = "UDP echo: \(addresses)\n"
    let inForce = await server.impairments
    if inForce.isActive { lines += "Impairments: \(inForce)\n" }
    Console.writeDiagnostic(Array(lines.utf8))
    try await untilSignalled { await server.stop() }
    printer?.flush()
    for thread in threads { thread.loop.stop() }
    for thread in threads { thread.join() }
  }

  private func listen(on loops: [EventLoop], _ printer: DatagramPrinter?) throws -> EchoServer {
    do throws(BindError) {
      return try EchoServer(
        on: loops, addresses: udp, rate: echoRate, impairments: impairments.impairments, observer: printer?.observer)
    } catch {
      Console.complain("\(error)\(error.remedy)")
      throw ExitCode.failure
    }
  }
}
