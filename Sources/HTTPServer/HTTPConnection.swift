import Basics
import EventLoop
import Sockets
import TLS

/// A connection and the request that is under way on it; one at a time, as libmicrohttpd has it.
///
/// `@unchecked Sendable`: it belongs to its worker's loop, as everything here does.
final class HTTPConnection: @unchecked Sendable {
  /// Where the request is.
  enum Phase {
    /// No head yet.
    case waiting
    /// The target is read, at this address; the rest of the head is about to be.
    case target(String, at: Range<UInt>)
    /// The body is being read, for what the application admitted it to.
    case body(HTTPRequestHead, destination: Int)
    /// The body is being read, but only to be thrown away before the answer.
    case refused(HTTPResponse)
    /// The application is at work.
    case responding(since: MonotonicTime)
    /// The answer is known.
    case answered(HTTPResponse)
    /// libmicrohttpd has the answer.
    case sending
  }

  /// Whose it is.
  let worker: HTTPWorker
  let descriptor: Int32
  let peer: SocketAddress
  /// It is past a bound on connections: what its request is answered.
  let refusal: HTTPRefusal?
  /// libmicrohttpd has not been given it.
  var isHeld = true
  /// The daemon that has it, or had it.
  var daemon: Daemon?
  /// libmicrohttpd's, for suspending and resuming; set with the first request.
  var handle: OpaquePointer?
  var registration: Registration?
  /// Set where the connection is encrypted and libmicrohttpd has it.
  var session: TLSSession?

  var phase = Phase.waiting
  /// Where its requests begin in libmicrohttpd's memory.
  var origin = HeadOrigin(firstBehind: 0)
  /// The request is a HEAD: nothing of a body is sent.
  var isHead = false
  /// The body comes in chunks, and fields may follow it.
  var isChunked = false
  /// The connection ends with this request's answer.
  var isLast = false
  var requests = 0
  var body: [UInt8] = []
  /// Bytes of the body that are in memory, with the application those that it was handed.
  var bufferedBytes = 0
  /// Bytes of a refused body that were thrown away.
  var discarded = 0
  /// What finds the answer.
  var work: (any HTTPWork)?
  var isSuspended = false
  var stream: StreamingBody?
  /// What is being sent; other connections may have it afterwards.
  var keptResponse: KeptResponse?
  /// The answer has no end of its own.
  var isEndless = false
  /// When the connection is cut if the request got no further.
  var deadline: MonotonicTime?
  var isCut = false
  /// An answer was sent past libmicrohttpd, which has yet to find out that nothing more can be.
  var isAnsweredPast = false
  /// libmicrohttpd has let go of it.
  var isClosed = false
  /// The client will send nothing more.
  var hasEnded = false

  init(
    of worker: HTTPWorker, descriptor: Int32, peer: SocketAddress, refusal: HTTPRefusal?, deadline: MonotonicTime
  ) {
    self.worker = worker
    self.descriptor = descriptor
    self.peer = peer
    self.refusal = refusal
    self.deadline = deadline
  }

  /// The request is over; the connection waits for the next one.
  func reset(deadline: MonotonicTime) {
    phase = .waiting
    requests += 1
    discarded = 0
    isHead = false
    stream = nil
    self.deadline = deadline
  }
}
