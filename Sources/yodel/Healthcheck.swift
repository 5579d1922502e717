import ArgumentParser
import Basics
import EventLoop
import FoundationEssentials
import Glibc
import Sockets
import TLS

struct Healthcheck: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Exit with 0 when a gateway is ready, with 1 when it is not.",
    discussion: """
      For container health checks and scripts: it asks URL/readyz for a 200, for 5 seconds at most. An https:// URL \
      must be the certificate's name, and this system trust who signed it; or --tls-certificate is given.

        yodel healthcheck http://127.0.0.1:8080 && echo ready
      """)

  @Argument(help: ArgumentHelp("The gateway's URL.", valueName: "url"))
  var url = "http://127.0.0.1:8080"

  @Option(
    help: ArgumentHelp(
      "The gateway's own --tls-certificate: it must show this very one, whatever its name and whoever signed it.",
      valueName: "file"))
  var tlsCertificate: String?

  /// Longer than a busy gateway takes, shorter than those who ask wait.
  private static let timeout = Nanoseconds.seconds(5)

  func run() throws {
    SignalWatcher.unblock([SIGINT, SIGTERM])
    guard let place = URL(string: url), let scheme = place.scheme, let port = ["http": 80, "https": 443][scheme],
      let host = place.host()
    else {
      throw ValidationError("'\(url)' is no URL like http://127.0.0.1:8080 or https://127.0.0.1:8443")
    }
    guard tlsCertificate == nil || scheme == "https" else {
      throw ValidationError("--tls-certificate is for an https:// URL, not for '\(url)'")
    }
    let target = HostPort(host: host, port: UInt16(clamping: place.port ?? port))
    let prefix = place.path().hasSuffix("/") ? String(place.path().dropLast()) : place.path()
    let path = prefix + "/readyz"
    do {
      let status = try scheme == "https" ? statusOverTLS(of: path, at: target) : Self.status(of: path, at: target)
      guard status != "200" else { return }
      // Yodel, as most servers, has a 400 for who speaks HTTP where TLS is meant.
      let remedy = status == "400" && scheme == "http" ? Self.remedyOfTLS(at: target) : ""
      Console.complain("\(url)/readyz answered \(status)\(remedy)")
    } catch let fault as TLSCertificate.Fault {
      Console.complain("--tls-certificate '\(fault.file)': \(fault.reason)")
    } catch {
      let remedy = Self.remedy(error, scheme: scheme, path: path, at: target)
      Console.complain("\(url) does not answer: \(error)\(remedy)")
    }
    throw ExitCode.failure
  }

  /// Who answers speaks something else than HTTP.
  private struct NoHTTP: Error, CustomStringConvertible {
    var description: String { "what comes is no HTTP" }
  }

  /// What to ask instead where the other scheme is spoken there; looked into only where the failure is of that kind.
  private static func remedy(_ error: any Error, scheme: String, path: String, at target: HostPort) -> String {
    switch error {
    case TLSConnection.Failure.session, TLSConnection.Failure.connection:
      return (try? status(of: path, at: target)) == nil ? "" : "; plain HTTP is spoken there: http://\(target)"
    case let error as SocketError where error.call == .connect || error.errno == .timedOut: return ""
    case is NoHTTP, is SocketError: return scheme == "http" ? remedyOfTLS(at: target) : ""
    default: return ""
    }
  }

  private static func remedyOfTLS(at target: HostPort) -> String {
    do {
      let plain = try TCPConnection(to: Resolver.resolve(target)[0], timeout: timeout)
      _ = try TLSConnection(over: plain, to: target.host, expecting: [])
    } catch TLSConnection.Failure.otherCertificate {
      return "; TLS is spoken there: https://\(target)"
    } catch {}
    return ""
  }

  /// The status code of a GET, as its three digits.
  private static func status(of path: String, at target: HostPort) throws -> Substring {
    let connection = try TCPConnection(to: Resolver.resolve(target)[0], timeout: timeout)
    try connection.send(request(path, target))
    return try status { count throws(SocketError) in try connection.receive(upTo: count) }
  }

  private func statusOverTLS(of path: String, at target: HostPort) throws -> Substring {
    let expected = try tlsCertificate.map { file throws(TLSCertificate.Fault) in
      try TLSCertificate.Details(ofFile: file).encoded
    }
    let plain = try TCPConnection(to: Resolver.resolve(target)[0], timeout: Self.timeout)
    let connection = try TLSConnection(over: plain, to: target.host, expecting: expected)
    try connection.send(Self.request(path, target))
    return try Self.status { count throws(TLSConnection.Failure) in try connection.receive(upTo: count) }
  }

  private static func request(_ path: String, _ target: HostPort) -> [UInt8] {
    Array("GET \(path) HTTP/1.1\r\nHost: \(target)\r\nConnection: close\r\n\r\n".utf8)
  }

  private static func status<Failure: Error>(
    _ receive: (Int) throws(Failure) -> [UInt8]
  ) throws -> Substring {
    var answer: [UInt8] = []
    let statusLine = "HTTP/1.1 200".utf8.count
    while answer.count < statusLine {
      let piece = try receive(1024)
      if piece.isEmpty { break }
      answer += piece
    }
    let words = String(decoding: answer.prefix(statusLine), as: UTF8.self).split(separator: " ")
    guard words.count == 2, words[0].hasPrefix("HTTP/") else { throw NoHTTP() }
    return words[1]
  }
}
