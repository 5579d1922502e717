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
