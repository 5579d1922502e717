import Basics
import EventLoop
import HTTPServer
import Sockets

extension GatewayLoop {
  /// Refuses a client that sends more than `--message-rate` allows. A client is what ``IPAddress/host`` says.
  ///
  /// Loopback is bounded only where somebody asked for it: a client there is often a proxy that speaks for many, or a
  /// load test.
  @inline(never)
  func refusedByRate(_ head: HTTPRequestHead, _ destination: Router.Destination) -> Problem? {
    guard destination.sends, core.configuration.messageRate != nil || !head.peer.ip.isLoopback else { return nil }
    let now = relay.loop.now
    guard let wait = core.messageLimiter.withLock({ $0.take(from: head.peer.ip.host, at: now) }) else { return nil }
    let rate = core.configuration.messageRate ?? Limits.defaultMessageRate
    return Problem(rate: rate, retryAfter: max(1, Int(wait.seconds.rounded(.up))))
  }
}

extension Problem {
  /// A client sends more than `--message-rate` messages a second.
  ///
  /// - Parameter seconds: how long it has to wait.
  convenience init(rate: Int, retryAfter seconds: Int) {
    let detail = "a client may send \(rate) messages a second (--message-rate); try again in a moment"
    self.init(.rateLimited, detail, [.number("limit", rate)], fields: [("Retry-After", String(seconds))])
  }
}
