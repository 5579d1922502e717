public import Sockets

/// What an operator should hear of. Each may happen thousands of times a second: whoever writes it down bounds that.
public enum HTTPServerEvent: Sendable {
  /// A connection waits in the kernel and cannot be taken; it is tried again, ten times a second.
  case cannotAccept(SocketError)
  /// A connection was taken and cannot be watched, so it is closed.
  case cannotWatch(SocketError)
  /// A connection past a bound: its request gets this refusal.
  case overLimit(HTTPRefusal)
  /// A connection so far past a bound that it is closed unheard.
  case closedUnheard
  /// A connection ended before it was encrypted: the client does not speak TLS, or does not trust the certificate.
  case handshakeFailed
  /// A word of libmicrohttpd's, which may hold anything that a client sent.
  case library(String)
}
