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
    return Self.answer(with: session, as: order.form)
  }

  /// That there is no room is said before what is wrong with the request.
  private func seriesOrder(_ request: HTTPRequest) throws(Problem) -> SeriesOrder {
    do throws(Problem) {
      return try SeriesOrder(request, core)
    } catch {
      throw core.series.isExhausted ? tooManySeries : noRoom ?? error
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
  private static func answer(with session: ProbeSession, as form: SeriesForm) -> HTTPResponse {
    .api(type: form.rawValue) { writer in
      while true {
        switch (await session.next(), form) {
        case (.lines(let lines), .lines): try await write(lines, of: session, through: writer)
        // Whether a client that has ended its side is there at all, writing tells; JSON takes a space anywhere.
        case (.lines, .summary): if writer.clientHasEnded { try await writer.write([UInt8(ascii: " ")]) }
        case (.summary(let summary), _): return try await writer.write(summary.json)
        }
      }
    }
  }

  private static func write(
    _ lines: [ProbeLine], of session: ProbeSession, through writer: HTTPBodyWriter
  ) async throws(HTTPBodyWriter.Closed) {
    for start in stride(from: 0, to: lines.count, by: Limits.linesPerWrite) {
      let some = lines[start..<min(start + Limits.linesPerWrite, lines.count)]
      try await writer.write(some.flatMap { $0.json(from: session.target.address) })
    }
  }
}

/// What a series is answered with, by media type.
private enum SeriesForm: String {
  /// A line for each fate, and the summary.
  case lines = "application/x-ndjson"
  /// The summary alone.
  case summary = "application/json"

  /// The summary alone is for whoever's Accept header names JSON, and does not like lines of it better.
  init(accept: String?) {
    let ranges = accept?.split(separator: ",") ?? []
    let namesJSON = ranges.contains { mediaType(String($0)) == Self.summary.rawValue && quality(of: $0) > 0 }
    self = namesJSON && preferredType(accept, among: [Self.lines.rawValue]) == nil ? .summary : .lines
  }
}

/// A series with all that its request says of it.
private final class SeriesOrder: Sendable {
  let plan: ProbePlan
  let target: Target
  /// The target's place in the metrics.
  let targetIndex: Int
  let form: SeriesForm

  init(_ request: HTTPRequest, _ core: GatewayCore) throws(Problem) {
    let head = request.head
    let isRemote = !head.peer.ip.isLoopback || head.isForwarded
    let series = try SeriesRequest(body: request.body, isRemote: isRemote)
    (target, targetIndex) = try core.targets.target(series.target)
    plan = series.plan(defaultTimeout: core.configuration.timeout, isRemote: isRemote)
    form = SeriesForm(accept: head.fields["Accept"])
  }
}
