import Basics
import HTTPServer
import Relay

extension GatewayLoop {
  /// `POST /api/probes`: a series of datagrams, a line as the fate of each is known, then the summary.
  func runSeries(_ request: HTTPRequest) async throws(Problem) -> HTTPResponse {
    let order = try seriesOrder(request)
    let session: ProbeSession
    do throws(RelayError) {
      session = try await prober.begin(order.plan, with: order.target) { [metrics] summary in
        metrics.count(summary, target: order.targetIndex)
      }
    } catch {
      throw problem(error, with: order)
    }
    if order.plan.tellsLines { return Self.stream(session) }
    return .api(await session.summary().json)
  }

  /// That there is no room is said before what is wrong with the request.
  private func seriesOrder(_ request: HTTPRequest) throws(Problem) -> SeriesOrder {
    do throws(Problem) {
      return try SeriesOrder(request, core)
    } catch {
      if core.series.isExhausted { throw tooManySeries }
      guard core.budget.isExhausted else { throw error }
      throw Problem(.overloaded, Problem.words(.exchanges) + "; try again in a moment")
    }
  }

  private func problem(_ error: RelayError, with order: SeriesOrder) -> Problem {
    core.log.write(error, to: order.target)
    if error == .overloaded(.series) { return tooManySeries }
    return Problem(error, target: order.target, timeoutMilliseconds: Int(order.plan.timeout.count / 1_000_000))
  }

  private var tooManySeries: Problem {
    let limit = core.configuration.maxSeries
    return Problem(.overloaded, "\(Problem.words(.series)); try again in a moment", [.number("limit", limit)])
  }

  /// The session ends with the answer, also with one that nobody reads.
  private static func stream(_ session: ProbeSession) -> HTTPResponse {
    var response = HTTPResponse.api(type: "application/x-ndjson", [])
    // nginx would gather what is to be seen at once.
    response.fields.append("X-Accel-Buffering", "no")
    response.body = .stream { writer in
      while true {
        switch await session.next() {
        case .lines(let lines):
          for start in stride(from: 0, to: lines.count, by: Limits.linesPerWrite) {
            let some = lines[start..<min(start + Limits.linesPerWrite, lines.count)]
            try await writer.write(some.flatMap { $0.json(from: session.target.address) })
          }
        case .summary(let summary): return try await writer.write(summary.json)
        }
      }
    }
    return response
  }
}

/// A series with all that its request says of it.
private final class SeriesOrder: Sendable {
  let plan: ProbePlan
  let target: Target
  /// The target's place in the metrics.
  let targetIndex: Int

  init(_ request: HTTPRequest, _ core: GatewayCore) throws(Problem) {
    let head = request.head
    let isRemote = !head.peer.ip.isLoopback || head.isForwarded
    let series = try SeriesRequest(body: request.body, isRemote: isRemote)
    (target, targetIndex) = try core.targets.target(series.target)
    plan = series.plan(
      defaultTimeout: core.configuration.timeout, isRemote: isRemote,
      tellsLines: !Self.wantsSummaryAlone(head.fields["Accept"]))
  }

  /// An Accept header names JSON, and does not like lines of it better.
  private static func wantsSummaryAlone(_ accept: String?) -> Bool {
    let types = accept?.split(separator: ",").map { mediaType(String($0)) } ?? []
    return types.contains("application/json") && preferredType(accept, among: ["application/x-ndjson"]) == nil
  }
}
