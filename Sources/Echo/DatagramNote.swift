import Basics
import Sockets

/// What the echo server notes of a datagram until it is written into the log, with the others of its batch.
struct DatagramNote {
  var source: SocketAddress
  /// Where it was sent to.
  var destination: SocketAddress
  /// When the kernel received it.
  var receivedAt: WallTime
  /// Its whole payload; it must last until the note is written.
  var bytes: UnsafeRawBufferPointer
  var fate: DatagramFate
  var impairments: ImpairmentKinds = []
}

/// The notes of a batch that a loop deals with, in memory that is made once.
struct BatchNotes {
  private let log: DatagramLog
  private var notes: [DatagramNote] = []

  init(for log: DatagramLog) {
    self.log = log
    notes.reserveCapacity(Limits.echoBatch)
  }

  /// Notes a datagram of the batch that came to a socket.
  mutating func add(_ datagram: BatchedDatagram, at socket: SocketAddress, _ fate: DatagramFate) {
    notes.append(
      DatagramNote(
        source: datagram.source, destination: SocketAddress(datagram.destination ?? socket.ip, port: socket.port),
        receivedAt: datagram.receivedAt ?? .now(), bytes: datagram.bytes, fate: fate))
  }

  /// The kernel would not send the answer to the datagram that was noted as the `index`-th.
  mutating func sendFailed(_ index: Int) {
    notes[index].fate = .refused(.sendFailed)
  }

  /// Writes what was noted into the log, before the batch's memory is used again.
  mutating func write() {
    if notes.isEmpty { return }
    log.write { record in for note in notes { record(note) } }
    notes.removeAll(keepingCapacity: true)
  }
}
