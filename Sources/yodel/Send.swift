import ArgumentParser
import Basics
import EventLoop
import Glibc
import Relay
import Sockets

struct Send: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Send a message as a datagram and print its reply; without a message, send what is typed.",
    discussion: """
      Send one, and print what comes back as '127.0.0.1:9999: hello':

        yodel send hello
        yodel send 127.0.0.1:9999 'hello from client!!'

      Without MESSAGE each line of standard input is one datagram, until its end. A lost reply is said on standard \
      error, and the next line is sent. Exits with 0 once a single message has its reply, with 1 if none comes.
      """)

  @Argument(
    help: ArgumentHelp(
      "Where to, as HOST:PORT (127.0.0.1:9999); a first word that is none is the message.", valueName: "host:port"))
  var first: String?

  @Argument(help: ArgumentHelp("What to send.", valueName: "message"))
  var second: String?

  @Option(
    name: .customShort("W"), help: ArgumentHelp("How long to wait for each reply, in seconds.", valueName: "seconds"))
  var wait = 2.0

  func validate() throws {
    guard wait > 0, wait <= 86_400 else { throw ValidationError("-W must be more than 0 and at most 86400 seconds") }
    if second != nil, place == nil {
      throw ValidationError("'\(first ?? "")' is no HOST:PORT; a message of several words needs quotes")
    }
  }

  /// The first word, where it is an address.
  private var place: HostPort? { first.flatMap { HostPort($0) } }

  private var target: HostPort {
    place ?? HostPort(host: "127.0.0.1", port: 9999)
  }

  private var message: String? {
    second ?? (place == nil ? first : nil)
  }

  func run() async throws {
    SignalWatcher.unblock([SIGINT, SIGTERM])
    let address = try Resolver.resolve(target)[0]
    let relay = UDPRelay(on: Main.loop, budget: ExchangeBudget(limit: 1024), restingCapacity: 8)
    let sender = Sender(relay: relay, target: Target(name: nil, address: address), timeout: .seconds(wait))
    if let message {
      guard await sender.send(Array(message.utf8)) else { throw ExitCode.failure }
    } else {
      await sender.sendLines()
    }
  }
}

/// Sends messages one after another, and says what became of each.
private struct Sender {
  let relay: UDPRelay
  let target: Target
  let timeout: Nanoseconds

  /// Sends one message; false where no reply came.
  func send(_ message: [UInt8]) async -> Bool {
    do throws(RelayError) {
      let reply = try await relay.exchange(message, with: target, within: timeout)
      Console.write("\(reply.sender): \(escapedLine(reply.bytes))\n")
      return true
    } catch {
      Console.complain(error.words(target, timeout: timeout))
      return false
    }
  }

  /// Sends each line of standard input, as bytes, without its end.
  func sendLines() async {
    let isTerminal = isatty(STDIN_FILENO) == 1
    let lines = LineReader()
    func next() -> [UInt8]? {
      if isTerminal { Console.write("> ") }
      return lines.next()
    }
    while let line = next() { _ = await send(line) }
    // The shell's prompt is not to stand behind ours.
    if isTerminal { Console.write("\n") }
  }
}
