import ArgumentParser
import Basics
import EventLoop
import FoundationEssentials
import Glibc
import Sockets

struct Healthcheck: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Exit with 0 when a gateway is ready, with 1 when it is not.",
    discussion: "For container health checks and scripts: it asks URL/readyz for a 200, for 5 seconds at most.")

  @Argument(help: ArgumentHelp("The gateway's URL.", valueName: "url"))
  var url = "http://127.0.0.1:8080"

  /// Longer than a busy gateway takes, shorter than those who ask wait.
  private static let timeout = Nanoseconds.seconds(5)

  func run() throws {
    SignalWatcher.unblock([SIGINT, SIGTERM])
    guard let place = URL(string: url), place.scheme == "http", let host = place.host() else {
      throw ValidationError("'\(url)' is no URL like http://127.0.0.1:8080")
    }
    let target = HostPort(host: host, port: UInt16(clamping: place.port ?? 80))
    let prefix = place.path().hasSuffix("/") ? String(place.path().dropLast()) : place.path()
    let status: Substring
    do {
      status = try Self.status(of: prefix + "/readyz", at: target)
    } catch {
      Console.complain("\(url) does not answer: \(error)")
      throw ExitCode.failure
    }
    guard status == "200" else {
      Console.complain("\(url)/readyz answered \(status)")
      throw ExitCode.failure
    }
  }

  /// The status code of a GET, as its three digits.
  private static func status(of path: String, at target: HostPort) throws -> Substring {
    let connection = try TCPConnection(to: Resolver.resolve(target)[0], timeout: timeout)
    try connection.send(Array("GET \(path) HTTP/1.1\r\nHost: \(target)\r\nConnection: close\r\n\r\n".utf8))
    var answer: [UInt8] = []
    let statusLine = "HTTP/1.1 200".utf8.count
    while answer.count < statusLine {
      let piece = try connection.receive(upTo: 1024)
      if piece.isEmpty { break }
      answer += piece
    }
    let words = String(decoding: answer.prefix(statusLine), as: UTF8.self).split(separator: " ")
    return words.count == 2 ? words[1] : "nothing that is HTTP"
  }
}
