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

/// The notes of a batch that a loop deals with, in memory that is kept.
struct BatchNotes {
  private let log: DatagramLog
  private var notes: [DatagramNote] = []

  init(for log: DatagramLog) {
    self.log = log
    notes.reserveCapacity(Limits.echoBatch)
  }

  /// How many there are: what the next one is called.
  var count: Int { notes.count }

  /// There are so many that the memory for them should not grow.
  var isFull: Bool { count >= Limits.datagramsAtOnce }

  /// Notes what became of some datagrams of a burst that came to a socket.
  mutating func add(
    _ payloads: Slice<CoalescedPayloads>, of burst: DatagramBurst, at socket: SocketAddress, _ fate: DatagramFate
  ) {
    let destination = SocketAddress(burst.destination ?? socket.ip, port: socket.port)
    let receivedAt = burst.receivedAt ?? .now()
    for payload in payloads {
      notes.append(
        DatagramNote(
          source: burst.source, destination: destination, receivedAt: receivedAt, bytes: payload, fate: fate))
    }
  }

  /// The kernel would not send the answer to the datagram that was noted as the `index`-th.
  mutating func sendFailed(_ index: Int) {
    notes[index].fate = .refused(.sendFailed)
  }

  /// Writes what was noted into the log, before the batch's memory is used again.
  mutating func write() {
    var rest = notes[...]
    while !rest.isEmpty {
      let some = rest.prefix(Limits.echoBatch)
      log.write { record in for note in some { record(note) } }
      rest.removeFirst(some.count)
    }
    notes.removeAll(keepingCapacity: true)
  }
}
