import Basics
import EventLoop
import Foundation
import Relay
import Sockets
import TestSupport
import Testing

/// Tests that meet sockets and clocks, one at a time: they share two cores with one another.
@Suite(.serialized, .timeLimit(.minutes(2))) struct RealRelay {}

/// A relay on a loop of its own.
struct RelayBench {
  let thread: LoopThread
  let budget: ExchangeBudget
  let relay: UDPRelay
  let ports = RelayPorts()

  init(limit: Int = 4096, restingCapacity: Int = 4096) throws {
    let budget = ExchangeBudget(limit: limit)
    thread = try LoopThread(name: "relay-test")
    self.budget = budget
    relay = UDPRelay(on: thread.loop, budget: budget, restingCapacity: restingCapacity, ports: ports)
  }

  func end() {
    thread.loop.stop()
    thread.join()
  }

  /// How an exchange ended.
  func exchange(
    _ message: [UInt8], with address: SocketAddress, within timeout: Nanoseconds = .seconds(10), fresh: Bool = false
  ) async -> Result<Reply, RelayError> {
    do throws(RelayError) {
      let target = Target(name: nil, address: address)
      return .success(try await relay.exchange(message, with: target, within: timeout, fresh: fresh))
    } catch {
      return .failure(error)
    }
  }

  func exchange(
    _ text: String, with address: SocketAddress, within timeout: Nanoseconds = .seconds(10), fresh: Bool = false
  ) async -> Result<Reply, RelayError> {
    await exchange(Array(text.utf8), with: address, within: timeout, fresh: fresh)
  }
}

/// Gives a test, on threads of its own, its relay, and ends that afterwards.
@discardableResult
func withRelay<Value: Sendable>(
  limit: Int = 4096, restingCapacity: Int = 4096, _ body: @escaping @Sendable (RelayBench) async throws -> Value
) async throws -> Value {
  let bench = try RelayBench(limit: limit, restingCapacity: restingCapacity)
  defer { bench.end() }
  return try await onOwnThreads { try await body(bench) }
}

extension Result<Reply, RelayError> {
  /// The reply as text; nil where there is none.
  var text: String? { (try? get()).map { String(decoding: $0.bytes, as: UTF8.self) } }
  /// The reply's bytes; nil where there is none.
  var bytes: [UInt8]? { (try? get())?.bytes }
  /// The port that the message left from; nil where there is no reply.
  var localPort: UInt16? { (try? get())?.local.port }

  /// Why there is no reply.
  var error: RelayError? {
    switch self {
    case .success: nil
    case .failure(let error): error
    }
  }
}

/// Sleeps until sockets that rest now have rested enough.
func letSocketsRest() async {
  try? await Task.sleep(nanoseconds: UInt64(Limits.rest.count) + 50_000_000)
}
