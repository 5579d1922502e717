import Basics
import HTTPServer
import Relay

extension GatewayLoop {
  /// `GET /probe`: one message to a target, and what became of it as Prometheus reads it. That nothing came back is
  /// what the probe was for, so it is a 200.
  func probe(_ request: HTTPRequest) async throws(Problem) -> HTTPResponse {
    let began = MonotonicTime.now()
    let order = try probeOrder(request)
    do throws(RelayError) {
      // As from a program that starts: nothing that earlier messages heard bears on it.
      let reply = try await relay.exchange(order.datagram, with: order.target, within: order.timeout, fresh: true)
      metrics.count(.reply, target: order.targetIndex, roundTrip: reply.roundTrip)
      let isSuccess = order.expectation == .any || reply.bytes == order.datagram
      return answer(.reply, isSuccess: isSuccess, roundTrip: reply.roundTrip, since: began)
    } catch {
      let outcome = ExchangeOutcome(error)
      metrics.count(outcome, target: order.targetIndex, roundTrip: nil)
      core.log.write(error, to: order.target)
      guard ProbeReport.outcomes.contains(outcome) else {
        throw Problem(error, target: order.target, timeoutMilliseconds: Int(order.timeout.count / 1_000_000))
      }
      return answer(outcome, isSuccess: false, roundTrip: nil, since: began)
    }
  }

  /// That there is no room is said before what is wrong with the request.
  private func probeOrder(_ request: HTTPRequest) throws(Problem) -> ProbeOrder {
    do throws(Problem) {
      return try ProbeOrder(request, core)
    } catch {
      throw noRoom ?? error
    }
  }

  private func answer(
    _ outcome: ExchangeOutcome, isSuccess: Bool, roundTrip: Nanoseconds?, since began: MonotonicTime
  ) -> HTTPResponse {
    let report = ProbeReport(outcome: outcome, isSuccess: isSuccess, roundTrip: roundTrip, duration: .now() - began)
    return .api(type: MetricsWriter.mediaType, report.text)
  }
}

/// A probe with all that its request says of it.
private final class ProbeOrder: Sendable {
  let datagram: [UInt8]
  let expectation: ProbeRequest.Expectation
  let target: Target
  /// The target's place in the metrics.
  let targetIndex: Int
  let timeout: Nanoseconds

  init(_ request: HTTPRequest, _ core: GatewayCore) throws(Problem) {
    let scrapeTimeout = request.head.fields[ProbeRequest.timeoutField]
    let probe = try ProbeRequest(query: request.head.query, scrapeTimeout: scrapeTimeout)
    (target, targetIndex) = try core.targets.target(probe.target)
    datagram = probe.datagram ?? ProbeRequest.nonce()
    expectation = probe.expectation
    timeout = probe.timeout ?? core.configuration.timeout
  }
}
