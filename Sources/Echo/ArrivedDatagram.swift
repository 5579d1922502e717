import Basics
import Sockets
import Synchronization

/// A datagram that a loop has read and admitted, on its way to the one that impairs them all.
struct ArrivedDatagram: Sendable {
  /// Who sent it.
  var source: SocketAddress
  /// The address it was sent to, where the socket is bound to all of them.
  var destination: IPAddress?
  /// Where the socket is bound.
  var socket: SocketAddress
  /// When the kernel received it, where that is recorded.
  var receivedAt: WallTime?
  /// Which of the server's addresses it came to.
  var listener: Int
  /// Its payload.
  var bytes: [UInt8]
}

extension ArrivedDatagram {
  /// A copy of one datagram of a burst.
  init(_ payload: UnsafeRawBufferPointer, of burst: DatagramBurst, listener: Int, at socket: SocketAddress) {
    source = burst.source
    destination = burst.destination
    receivedAt = burst.receivedAt
    self.socket = socket
    self.listener = listener
    bytes = Array(payload)
  }

  /// What its reply has in front of its payload, in bytes: the headers of UDP and of IP without options.
  var headers: Int { source.ip.version == 4 ? 8 + 20 : 8 + 40 }

  /// What it counts for on its way, in bytes of memory, roughly.
  var weight: Int { bytes.count + Limits.weightOfDatagram }
}

/// How much is on its way between loops: a loop that cannot keep up does not fill the memory with what others read.
final class InTransit: Sendable {
  private let weight = Atomic<Int>(0)

  /// Takes room for some datagrams; false where there is none.
  func enter(_ datagrams: [ArrivedDatagram]) -> Bool {
    let added = Self.weight(datagrams)
    let (_, now) = weight.add(added, ordering: .relaxed)
    guard now > Limits.bytesInTransit else { return true }
    weight.subtract(added, ordering: .relaxed)
    return false
  }

  /// Gives the room back.
  func leave(_ datagrams: [ArrivedDatagram]) {
    weight.subtract(Self.weight(datagrams), ordering: .relaxed)
  }

  private static func weight(_ datagrams: [ArrivedDatagram]) -> Int {
    datagrams.reduce(0) { $0 + $1.weight }
  }
}
