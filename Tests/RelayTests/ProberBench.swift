import Basics
import EventLoop
import Foundation
import Relay
import Sockets
import TestSupport

/// A prober on a loop of its own.
struct ProberBench {
  let thread: LoopThread
  let budget: ExchangeBudget
  let places: SeriesBudget
  let ports = RelayPorts()
  let prober: UDPProber

  init(limit: Int = 16) throws {
    thread = try LoopThread(name: "prober-test")
    budget = ExchangeBudget(limit: 64)
    places = SeriesBudget(limit: limit)
    prober = UDPProber(on: thread.loop, budget: budget, places: places, ports: ports)
  }

  /// A plan with what most tests have: no time is waited for but where the test says so.
  static func plan(
    _ count: Int?, interval: Nanoseconds = .milliseconds(1), size: Int = 64, timeout: Nanoseconds = .seconds(20)
  ) -> ProbePlan {
    ProbePlan(count: count, interval: interval, size: size, timeout: timeout)
  }

  func begin(_ plan: ProbePlan, with address: SocketAddress) async throws -> ProbeSession {
    try await prober.begin(plan, with: Target(name: nil, address: address))
  }

  /// A whole series: each line and the summary.
  func run(_ plan: ProbePlan, with address: SocketAddress) async throws -> Outcome {
    await Outcome(try await begin(plan, with: address))
  }

  /// All that a series tells.
  struct Outcome {
    let lines: [ProbeLine]
    let summary: ProbeSummary

    init(_ session: ProbeSession) async {
      var lines: [ProbeLine] = []
      while true {
        switch await session.next() {
        case .lines(let more): lines += more
        case .summary(let summary):
          self.lines = lines
          self.summary = summary
          return
        }
      }
    }

    func numbers(_ fate: ProbeLine.Fate) -> [UInt64] {
      lines.filter { $0.fate == fate }.map(\.number).sorted()
    }
  }
}

/// Gives a test, on threads of its own, its prober, and ends that afterwards.
func withProber(limit: Int = 16, _ body: @escaping @Sendable (ProberBench) async throws -> Void) async throws {
  let bench = try ProberBench(limit: limit)
  defer {
    bench.thread.loop.stop()
    bench.thread.join()
  }
  try await onOwnThreads { try await body(bench) }
}

extension Peer.Datagram {
  /// The number that a probe carries.
  var number: UInt64 { bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) } & (1 << 40 - 1) }

  /// The datagram with one bit flipped.
  func flipped(_ bit: Int) -> [UInt8] {
    var bytes = bytes
    bytes[bit / 8] ^= 1 << (bit % 8)
    return bytes
  }
}
