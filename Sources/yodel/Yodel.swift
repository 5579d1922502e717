import ArgumentParser
import EventLoop
import Gateway
import Glibc

/// The command `yodel`; what it can do is in its subcommands.
struct Yodel: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "yodel",
    abstract: "An HTTP-controlled UDP echo gateway: POST a message, it goes out as a datagram, the reply comes back.",
    discussion: """
      Without a subcommand it is 'yodel serve'. A message by HTTP:

        curl -d 'hello from client!!' http://127.0.0.1:8080/api/messages
      """,
    version: version,
    subcommands: [Serve.self, Echo.self, Send.self, Ping.self, Healthcheck.self],
    defaultSubcommand: Serve.self)
}
