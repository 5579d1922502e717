import Basics
import Sockets
import TestSupport

/// A peer that loses, delays, doubles and reorders its replies, as a seed decides.
final class FaultyPeer: Sendable {
  private struct State {
    var random: SeededGenerator
    var held: [Peer.Datagram] = []
  }

  private let peer: Peer
  private let state: Locked<State>

  init(seed: UInt64) {
    state = Locked(State(random: SeededGenerator(seed: seed)))
    peer = Peer()
    peer.setAnswer { [self] in self.answer($0) }
  }

  var address: SocketAddress { peer.address }

  func close() {
    peer.close()
    peer.setAnswer { _ in [] }
  }

  private func answer(_ datagram: Peer.Datagram) -> [[UInt8]] {
    state.withLock { state in
      // What was held goes out some messages later, when its own may have timed out.
      if state.held.count > 15 {
        let late = state.held.remove(at: Int.random(in: 0..<state.held.count, using: &state.random))
        peer.send(late.bytes, to: late.source)
      }
      switch Int.random(in: 0..<100, using: &state.random) {
      case 0..<10: return []
      case 10..<30:
        state.held.append(datagram)
        return []
      case 30..<50: return [datagram.bytes, datagram.bytes]
      case 50..<60:
        state.held.append(datagram)
        return [datagram.bytes]
      default: return [datagram.bytes]
      }
    }
  }
}
