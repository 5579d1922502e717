import Basics
import SystemPackage
import TestSupport
import Testing

@testable import Sockets

#if DEBUG
  /// Where the kernel or the device does not do bursts. The faults hold for a whole process, so each test has its own.
  @Suite struct BurstFaultTests {
    @Test(arguments: [
      (Errno.ioError.rawValue, 100, false), (Errno.ioError.rawValue, 10, false),
      (Errno.invalidArgument.rawValue, 100, false), (Errno.messageTooLong.rawValue, 200, false),
      (Errno.invalidArgument.rawValue, 10, true), (Errno.noBufferSpace.rawValue, 100, true),
    ])
    func whatIsNotTakenAsOneGoesOneByOneAndThatIsRemembered(error: Int32, next: Int, asOne: Bool) async {
      await #expect(processExitsWith: .success) { [error, next, asOne] in
        let scene = try Scene()
        // The first call fails, the datagrams go by the second.
        let calls = Locked(0)
        SystemCallFaults.follow { call in
          call == .sendmmsg
            && calls.withLock {
              $0 += 1; return $0
            } == 1 ? Errno(rawValue: error) : nil
        }
        try scene.echo(450, of: 100)
        precondition(calls.withLock { $0 } == 2)
        // The next burst is tried as one, or is not; nothing is lost either way, and all is in order.
        let reads = try scene.echo(8 * next, of: next)
        precondition((reads == 1) == asOne && calls.withLock { $0 } == 3, "\(reads) reads")
      }
    }

    /// What one path does not take says nothing of another; what the device cannot says it of all. Both may pass.
    @Test(arguments: [(Errno.invalidArgument.rawValue, true), (Errno.ioError.rawValue, false)])
    func aRefusalHoldsForItsPathOrForAllAndIsTriedAgain(error: Int32, othersGo: Bool) async {
      await #expect(processExitsWith: .success) { [error, othersGo] in
        let clock = Locked(MonotonicTime(nanoseconds: 0))
        let scene = try Scene("0.0.0.0:0", clock: { clock.withLock { $0 } })
        let other = try PlainSocket(at: "127.0.0.2:0")
        other.readBursts()
        let calls = Locked(0)
        SystemCallFaults.follow { call in
          call == .sendmmsg
            && calls.withLock {
              $0 += 1; return $0
            } == 1 ? Errno(rawValue: error) : nil
        }
        try scene.echo(450, of: 100)
        func reads(by client: PlainSocket, at seconds: Double) throws -> Int {
          clock.withLock { $0 = MonotonicTime(nanoseconds: 0) + .seconds(seconds) }
          return try scene.echo(450, of: 100, client: client)
        }
        let first = try [reads(by: other, at: 1), reads(by: scene.client, at: 9.9)]
        precondition(first == [othersGo ? 1 : 5, 5], "\(first)")
        let again = try [reads(by: other, at: 10), reads(by: scene.client, at: 10)]
        precondition(again == [1, 1], "\(again)")
      }
    }

    @Test func whatFailsOneByOneTooIsToldAndNothingElse() async {
      await #expect(processExitsWith: .success) {
        let scene = try Scene()
        let made = Locked(0)
        SystemCallFaults.follow { call in
          guard call == .sendmmsg else { return nil }
          // The run, and the second of its datagrams.
          let number = made.withLock {
            $0 += 1; return $0
          }
          return number == 1 || number == 2 ? .noBufferSpace : nil
        }
        scene.client.sendBurst(pattern(45), of: 10, to: scene.address)
        var told: [[Int]] = []
        try scene.answer { told.append([$0, $1]) }
        precondition(told == [[7, 10]], "\(told)")
        let replies = try scene.client.receiveBurst(4).datagrams
        precondition(replies.flatMap { $0 } == Array(pattern(45)[10...]))
      }
    }

    /// Every option that the socket is given is refused in turn: it is not bound, or it echoes bursts all the same.
    @Test(arguments: ["127.0.0.1:0", "0.0.0.0:0", "[::1]:0"])
    func anOlderKernelThatKnowsNoBurstsIsNoError(place: String) async {
      await #expect(processExitsWith: .success) { [place] in
        var outcomes: [String] = []
        for number in 1...20 {
          let made = Locked(0)
          SystemCallFaults.follow { call in
            guard call == .setsockopt else { return nil }
            return made.withLock {
              $0 += 1; return $0
            } == number ? .protocolNotAvailable : nil
          }
          guard let scene = try? Scene(place) else {
            outcomes.append("fails")
            continue
          }
          SystemCallFaults.follow(nil)
          if made.withLock({ $0 }) < number { break }
          try scene.echo(450, of: 100)
          outcomes.append("echoes")
        }
        precondition(outcomes.suffix(2) == ["echoes", "echoes"], "\(outcomes)")
        precondition(outcomes.dropLast(2).allSatisfy { $0 == "fails" } && outcomes.count >= 6, "\(outcomes)")
      }
    }
  }

  /// A bound socket, its batch and a client.
  private final class Scene {
    let batch: DatagramBatch
    let socket: UDPSocket
    let client: PlainSocket
    let address: SocketAddress

    init(_ place: String = "127.0.0.1:0", clock: @escaping () -> MonotonicTime = MonotonicTime.now) throws {
      batch = DatagramBatch(capacity: 64, datagramSize: 65_535, clock: clock)
      socket = try UDPSocket.bound(to: SocketAddress(place)!)
      let bound = try socket.localAddress()
      let host = bound.ip.isUnspecified ? IPAddress("127.0.0.1")! : bound.ip
      address = SocketAddress(host, port: bound.port)
      client = try PlainSocket(at: SocketAddress(host, port: 0).description)
      client.readBursts()
    }

    func answer(_ refused: (Int, Int) -> Void) throws {
      readiness(of: socket.descriptor, 1)
      for index in 0..<(try batch.receive(from: socket)) {
        let burst = batch.burst(at: index)
        batch.addReplies(to: burst, count: burst.payloads.count, numbered: 7)
      }
      batch.sendReplies(on: socket, refused: refused)
    }

    /// A burst there and back; answers in how many reads it came.
    @discardableResult
    func echo(_ count: Int, of size: Int, client: PlainSocket? = nil) throws -> Int {
      let client = client ?? self.client
      precondition(client.sendBurst(pattern(count), of: size, to: address) == count)
      try answer { number, _ in preconditionFailure("datagram \(number) was refused") }
      let replies = try client.receiveBurst((count + size - 1) / size)
      precondition(replies.datagrams.flatMap { $0 } == pattern(count))
      precondition(replies.datagrams.dropLast().allSatisfy { $0.count == size })
      return replies.reads
    }
  }
#endif
