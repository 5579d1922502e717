import Basics
import EventLoop
import Relay
import Sockets
import SystemPackage

/// A connected socket of the simulated kernel's.
package final class SimulatedConnection: RelayConnection {
  /// An error that came by ICMP, and which message it is about.
  struct Trouble {
    let errno: Errno
    let exchange: Int
    let isPromised: Bool

    init(_ errno: Errno, about exchange: Int, isPromised: Bool) {
      self.errno = errno
      self.exchange = exchange
      self.isPromised = isPromised
    }
  }

  private static let errorQueue = 8

  unowned let network: SimulatedNetwork
  let port: Int
  let peer: SocketAddress
  let token: Int
  var queue: [SimulatedNetwork.Datagram] = []
  private var troubles: [Trouble] = []
  /// What the next call is told, once.
  private var pending: Trouble?
  private var isFull = false
  var isWatchedForRoom = false
  var isClosed = false
  private var isListed = false
  private var isWoken = false
  /// The exchange that it carries or carried last.
  private(set) var exchange: Int?
  /// What the relay read last.
  private(set) var lastRead: SimulatedNetwork.Datagram?

  init(on network: SimulatedNetwork, port: Int, peer: SocketAddress, token: Int) {
    self.network = network
    self.port = port
    self.peer = peer
    self.token = token
  }

  package var local: SocketAddress {
    SocketAddress(.v4(IPv4Address(bits: 0x7F00_0001)), port: UInt16(40_000 + port))
  }

  // MARK: The kernel's side

  func enqueue(_ datagram: SimulatedNetwork.Datagram) {
    guard queue.count < network.scenario.queue else { return network.ledger.count("met a full buffer") }
    network.ledger.queued += 1
    queue.append(datagram)
    becomeReady()
  }

  func enqueue(_ trouble: Trouble) {
    if troubles.count < Self.errorQueue { troubles.append(trouble) }
    pending = trouble
    becomeReady()
  }

  func hasRoom() {
    isFull = false
    if isWatchedForRoom { becomeReady() }
  }

  /// The loop's next wait tells of it for no reason.
  func wake() {
    isWoken = true
    becomeReady()
  }

  /// The loop's next wait tells of it.
  func becomeReady() {
    if isListed || isClosed { return }
    isListed = true
    network.readyConnections.append(self)
  }

  /// What a wait tells of it: what is so by then. Empty where nothing is.
  func takeReadiness() -> Readiness {
    isListed = false
    var readiness: Readiness = isWoken ? .readable : []
    isWoken = false
    if !queue.isEmpty { readiness.insert(.readable) }
    if pending != nil || !troubles.isEmpty { readiness.insert(.error) }
    if isWatchedForRoom, !isFull { readiness.insert(.writable) }
    return readiness
  }

  private func takePending() -> Errno? {
    guard let trouble = pending.take() else { return nil }
    network.ledger.told(trouble, on: self, at: network.time)
    return trouble.errno
  }

  // MARK: The relay's side

  package func send(_ datagram: [UInt8]) throws(SocketError) {
    let number = Ledger.number(in: datagram)
    if exchange != number { network.ledger.taken(self, for: number, after: exchange) }
    exchange = number
    if let errno = network.call(.send) {
      isFull = errno == .resourceTemporarilyUnavailable
      network.ledger.noteFailure(errno, on: self)
      throw SocketError(.send, errno)
    }
    if isFull { throw SocketError(.send, .resourceTemporarilyUnavailable) }
    if let errno = takePending() { throw SocketError(.send, errno) }
    network.ledger.sent(number, at: network.time)
  }

  package func receive(into buffer: ReceiveBuffer) throws(SocketError) -> ReceivedDatagram? {
    if let errno = network.call(.receive) {
      network.ledger.noteFailure(errno, on: self)
      throw SocketError(.recvmsg, errno)
    }
    if let errno = takePending() { throw SocketError(.recvmsg, errno) }
    guard !queue.isEmpty else { return nil }
    let datagram = queue.removeFirst()
    lastRead = datagram
    network.ledger.read(datagram, on: self, at: network.time)
    let payload = datagram.form == .empty ? [] : Ledger.reply(to: datagram.answers)
    for (index, byte) in payload.enumerated() { buffer.bytes[index] = byte }
    return ReceivedDatagram(
      length: payload.count, sender: datagram.source, receivedAt: datagram.stamp,
      isTruncated: datagram.form == .cut)
  }

  package func isIdle() -> Bool {
    _ = network.call(.idle)
    if takePending() != nil { return false }
    return queue.isEmpty
  }

  package func takeError() -> ReportedError? {
    let newest = troubles.last ?? pending
    troubles = []
    pending = nil
    guard let newest else { return nil }
    network.ledger.told(newest, on: self, at: network.time)
    return ReportedError(errno: newest.errno)
  }
}
