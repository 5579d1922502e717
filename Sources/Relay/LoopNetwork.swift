import Basics
import EventLoop
import Sockets

/// The kernel's sockets, and a loop's time and timers.
final class LoopNetwork: RelayNetwork {
  typealias TimerID = EventLoop.TimerID

  private let loop: EventLoop
  private let ports: RelayPorts
  /// Whom the loop tells: it owns this network. nil until its first message, which is on the loop's thread.
  private unowned(unsafe) var relay: UDPRelay?
  /// Whether there is one: to look at it itself is to keep it and to let it go.
  private(set) var hasRelay = false

  init(on loop: EventLoop, ports: RelayPorts) {
    self.loop = loop
    self.ports = ports
  }

  /// From now on the loop tells `relay`.
  func begin(with relay: UDPRelay) {
    self.relay = relay
    hasRelay = true
    loop.addTurnHandler(relay)
  }

  var now: MonotonicTime { loop.now }
  func monotonicTime() -> MonotonicTime { .now() }
  func wallTime() -> WallTime { .now() }

  /// A connected socket in the loop's care.
  final class Connection {
    let socket: UDPSocket
    let registration: Registration
    let local: SocketAddress

    init(_ socket: consuming UDPSocket, _ registration: Registration, local: SocketAddress) {
      self.socket = socket
      self.registration = registration
      self.local = local
    }
  }

  func open(to target: SocketAddress, token: Int) throws(SocketError) -> Connection {
    let socket = try UDPSocket.connected(to: target)
    let local = try socket.localAddress()
    let interest: Readiness = [.readable, .edgeTriggered]
    let registration = try loop.register(socket.descriptor, for: interest, handler: relay!, token: token)
    ports.opened(local.port)
    return Connection(socket, registration, local: local)
  }

  func watch(_ connection: Connection, forRoom: Bool) throws(SocketError) {
    let interest: Readiness = forRoom ? [.readable, .writable, .edgeTriggered] : [.readable, .edgeTriggered]
    try loop.reregister(connection.registration, connection.socket.descriptor, for: interest)
  }

  func close(_ connection: Connection) {
    loop.deregister(connection.registration)
    ports.closed(connection.local.port)
  }

  func schedule(at deadline: MonotonicTime, token: Int) -> TimerID {
    loop.schedule(at: deadline, handler: relay!, token: token)
  }

  func cancel(_ timer: TimerID) {
    loop.cancel(timer)
  }
}

extension LoopNetwork.Connection: RelayConnection {
  func send(_ datagram: [UInt8]) throws(SocketError) { try socket.send(datagram) }
  func receive(into buffer: ReceiveBuffer) throws(SocketError) -> ReceivedDatagram? { try socket.receive(into: buffer) }
  func isIdle() -> Bool { socket.isIdle() }
  func takeError() -> ReportedError? { socket.takeError() }
}
