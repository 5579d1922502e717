import Basics
import EventLoop
import Foundation
import Sockets
import Synchronization
import TestSupport

/// A UDP server that answers as badly as one can, as a seed decides: never, late, several times at several distances,
/// out of order, with other bytes, at great length, and with strangers who speak before it.
///
/// Each reply begins with the message that it answers, so that a test knows whose it is.
final class HostilePeer: Sendable {
  /// What a reply has behind the message that it answers.
  static let mark: UInt8 = UInt8(ascii: "|")

  let address: SocketAddress
  private let descriptor: Int32
  private let stranger: Int32
  private let seed: UInt64
  private let isClosing = Atomic(false)
  private let replies = Locked(Replies())
  private let ended = DispatchSemaphore(value: 0)

  init(seed: UInt64) {
    self.seed = seed
    (descriptor, address) = PlainSocket.bound(to: SocketAddress("127.0.0.1:0")!)
    (stranger, _) = PlainSocket.bound(to: SocketAddress("127.0.0.1:0")!)
    Thread.detachNewThread { self.serve() }
  }

  /// Ends the thread and closes the sockets.
  func close() {
    isClosing.store(true, ordering: .relaxed)
    ended.wait()
    Glibc.close(descriptor)
    Glibc.close(stranger)
  }

  /// Whether another reply to a message left so long after the first that nobody can tell it from the next message's:
  /// a machine that is busy enough holds up the peer as well.
  func wasTooLate(answering message: [UInt8]) -> Bool {
    replies.withLock { $0.tooLate.contains(message) }
  }

  private func serve() {
    var manners = Manners(seed: seed)
    while !isClosing.load(ordering: .relaxed) {
      while let due = manners.due() {
        let start = MonotonicTime.now()
        send(due, from: descriptor)
        replies.withLock { $0.add(due.bytes, from: start, to: .now()) }
      }
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&entry, 1, 1) > 0 else { continue }
      while let datagram = PlainSocket.receive(on: descriptor) {
        if manners.lets(strangersSpeak: datagram) {
          send(Peer.Datagram(bytes: Array("forged|".utf8), source: datagram.source), from: stranger)
        }
      }
    }
    ended.signal()
  }

  /// Its port may be closed by now, and then the error is told here: that is no concern of the peer's.
  private func send(_ datagram: Peer.Datagram, from descriptor: Int32) {
    _ = datagram.bytes.withUnsafeBytes { buffer in
      datagram.source.withSockaddr { sendto(descriptor, buffer.baseAddress, buffer.count, 0, $0, $1) }
    }
  }

  /// What it does about each message, and when.
  private struct Manners {
    private var random: SeededGenerator
    private var waiting = TimerQueue<Peer.Datagram>()

    init(seed: UInt64) {
      random = SeededGenerator(seed: seed)
    }

    mutating func due() -> Peer.Datagram? { waiting.popDue(at: .now()) }

    /// Decides on the replies; answers whether a stranger sends something too.
    mutating func lets(strangersSpeak datagram: Peer.Datagram) -> Bool {
      switch Int.random(in: 0..<100, using: &random) {
      case 0..<10: break
      case 10..<25: reply(to: datagram, after: Int.random(in: 610...4000, using: &random))
      case 25..<50:
        reply(to: datagram, after: 0)
        for distance in [0, 1, 10, 60, 200, 400].shuffled(using: &random).prefix(Int.random(in: 1...3, using: &random))
        {
          reply(to: datagram, after: distance)
        }
      case 50..<60: reply(to: datagram, after: Int.random(in: 1...20, using: &random))
      case 60..<70: reply(to: datagram, after: 0, length: Int.random(in: 1...60_000, using: &random))
      case 70..<80:
        reply(to: datagram, after: 5)
        return true
      default: reply(to: datagram, after: 0)
      }
      return false
    }

    private mutating func reply(to datagram: Peer.Datagram, after milliseconds: Int, length: Int = 0) {
      var reply = datagram
      reply.bytes.append(HostilePeer.mark)
      reply.bytes += [UInt8](repeating: UInt8(truncatingIfNeeded: length), count: length)
      _ = waiting.insert(reply, at: .now() + .milliseconds(milliseconds))
    }
  }

  /// When the replies to each message left.
  private struct Replies {
    private var first: [[UInt8]: MonotonicTime] = [:]
    var tooLate: Set<[UInt8]> = []

    mutating func add(_ reply: [UInt8], from start: MonotonicTime, to end: MonotonicTime) {
      let message = Array(reply.prefix { $0 != HostilePeer.mark })
      let first = first[message, default: start]
      self.first[message] = first
      if end - first >= Limits.rest { tooLate.insert(message) }
    }
  }
}
