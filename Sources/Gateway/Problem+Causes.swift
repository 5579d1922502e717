import Basics
import HTTPServer
import Relay
import Sockets

extension Problem {
  /// Why a message has no reply, in the client's words.
  convenience init(_ error: RelayError, target: Target, timeoutMilliseconds: Int) {
    let label = Member.text("target", target.label)
    let place = target.name.map { "'\($0)' (\(target.address))" } ?? "\(target.address)"
    switch error {
    case .noReply:
      let detail =
        "\(place) sent no reply within \(timeoutMilliseconds) ms; a lost datagram and a silent target look alike"
      self.init(.noReply, detail, [label, .number("timeout_ms", timeoutMilliseconds)])
    case .portUnreachable(let icmp):
      self.init(.portUnreachable, "nothing listens on \(place): start something there", [label] + Self.icmp(icmp))
    case .targetUnreachable(let errno, let icmp):
      self.init(.targetUnreachable, "\(place) cannot be reached: \(errno)", [label] + Self.icmp(icmp))
    case .messageTooLarge(let limit):
      let detail = "a datagram to \(place) carries at most \(limit) bytes"
      self.init(.messageTooLarge, detail, [label, .number("limit", limit)])
    case .overloaded(let bound):
      self.init(.overloaded, "\(Self.words(bound)); try again in a moment", [label])
    case .cancelled: self.init(.internalError, "the request was cancelled, yet somebody reads its answer", [label])
    }
  }

  private static func icmp(_ icmp: ReportedError.ICMP?) -> [Member] {
    icmp.map { [.icmp(version: $0.version, type: $0.type, code: $0.code)] } ?? []
  }

  static func words(_ bound: RelayError.Bound) -> String {
    switch bound {
    case .exchanges: "as many messages are in flight, or may have a late reply, as --max-in-flight allows"
    case .restedSockets: "the target sends more than one reply, and every socket has yet to rest from the last one"
    case .retiredSockets: "this target did not answer, or answered twice, so often that late replies must be waited for"
    case .descriptors: "the process has no descriptor left"
    case .series: "as many series run, or wait for their reader, as --max-series allows"
    case .ports: "no local port is left"
    case .buffers: "the kernel has no buffer left"
    }
  }

  static var noEcho: Problem { Problem(.notFound, "no echo server is embedded here (--no-echo)") }

  /// What some path or other serves.
  static let servedMethods = Router.allow(Route.all.map(\.method))

  /// What the server refuses by itself, in the client's words.
  convenience init(_ refusal: HTTPRefusal) {
    switch refusal {
    case .malformed(let reason): self.init(.malformedRequest, reason)
    case .transferCoding(let coding):
      self.init(.notImplemented, "of the transfer codings only 'chunked' is known, not '\(escapedLine(coding))'")
    case .method(let method):
      self.init(.methodNotAllowed, "\(method) is not served on any path", fields: [("Allow", Self.servedMethods)])
    case .headTooLarge(let limit):
      self.init(
        .headTooLarge, "request line and headers may take \(limit) bytes, with \(Limits.headerOverhead) more a header",
        [.number("limit", limit)])
    case .bodyTooLarge(let limit):
      self.init(.messageTooLarge, "a request body may have \(limit) bytes", [.number("limit", limit)])
    case .bodiesTooLarge(let limit):
      let detail = "all request bodies being read together may have \(limit) bytes; try again in a moment"
      self.init(.overloaded, detail, [.number("limit", limit)])
    case .tooManyConnections(let limit):
      let detail = "\(limit) connections are open, which is all that are served; try again in a moment"
      self.init(.overloaded, detail, [.number("limit", limit)])
    case .tooManyConnectionsOfClient(let limit):
      let detail =
        "\(limit) connections of this address are open, which is all that one may have; try again in a moment"
      self.init(.overloaded, detail, [.number("limit", limit)])
    case .draining: self.init(.draining, "the gateway ends; another one, or this one again, may answer soon")
    }
  }
}

// MARK: - Nothing there

extension Problem {
  /// There is no such path.
  ///
  /// - Parameters:
  ///   - reason: why there is none, where that can be said.
  ///   - curl: how the curl lines that are shown begin.
  ///   - url: the gateway's.
  convenience init(nothingAt path: String, because reason: String? = nil, curl: String, url: String) {
    let detail =
      "\(reason ?? "there is no '\(path)'"); to send a message: \(curl)-d 'hello' \(url)/api/messages — what else "
      + "there is: \(curl)\(url)/api"
    self.init(.notFound, detail)
  }

  /// The path takes other methods.
  ///
  /// - Parameter line: a command line that uses one of them.
  convenience init(methodOf path: String, allowed: String, line: String) {
    self.init(
      .methodNotAllowed, "'\(path)' takes \(allowed); for example: \(line)", fields: [("Allow", allowed)])
  }
}

// MARK: - Who may not

extension Problem {
  /// `Host` is none of the gateway's names.
  convenience init(wrongHost host: String) {
    let name = HostName(String(host.prefix { $0 != ":" }))?.text ?? "NAME"
    self.init(
      .wrongHost,
      "the gateway is not called '\(escapedLine(host))': use an IP address or localhost, or start it with "
        + "--allow-host \(name)")
  }

  static var crossSite: Problem {
    Problem(
      .crossSite,
      "a browser made this request for a page of another origin; the gateway's own page may, and programs, which send "
        + "neither Origin nor Sec-Fetch-Site")
  }

  /// The token is missing or wrong.
  convenience init(unauthorized authorization: HTTPFields.Occurrence, curl: String) {
    let what = authorization == .missing ? "this gateway wants its token" : "the token is not this gateway's"
    self.init(
      .unauthorized, "\(what), which stands in its --token-file: \(curl)…", fields: [("WWW-Authenticate", "Bearer")])
  }

  static var controlRefused: Problem {
    Problem(
      .controlRefused,
      "this gateway has no token, so only programs on its own machine may do this, and not through a proxy; start it "
        + "with --token-file FILE")
  }
}
