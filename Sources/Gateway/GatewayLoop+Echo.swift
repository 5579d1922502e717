import Basics
import Echo
import HTTPServer

extension GatewayLoop {
  /// The embedded echo server, which not every gateway has.
  private var echo: EchoServer {
    get throws(Problem) {
      guard let echo = core.echo else { throw Problem.noEcho }
      return echo
    }
  }

  /// `GET /api/echo`.
  func echoCounters() async throws(Problem) -> HTTPResponse {
    let echo = try echo
    let (counters, impairments) = (await echo.counters, await echo.impairments)
    return .api(
      JSONWriter.text { json in
        json.array("addresses") { json in
          for address in echo.addresses { json.object { $0.addressMembers(address) } }
        }
        json.member("received", counters.received)
        json.member("echoed", counters.echoed)
        json.member("duplicated", counters.duplicated)
        json.member("held", counters.held)
        json.object("dropped") { json in
          for reason in DropReason.allCases { json.member(escaping: reason.rawValue, counters.dropped[reason] ?? 0) }
        }
        json.member("bytes_received", counters.bytesReceived)
        json.member("receive_buffer_full", counters.receiveBufferFull)
        json.object("impairments") { $0.impairmentMembers(impairments) }
      })
  }

  /// `GET /api/echo/impairments`.
  func impairments() async throws(Problem) -> HTTPResponse {
    Self.answer(await (try echo).impairments)
  }

  /// `PUT`, `PATCH` and `DELETE /api/echo/impairments`: answers what is in force once it is so in every loop.
  func impair(_ change: () throws(Problem) -> Impairments.Change) async throws(Problem) -> HTTPResponse {
    let echo = try echo
    let change = try change()
    do throws(Impairments.Fault) {
      return Self.answer(try await core.impair(echo, change))
    } catch {
      throw Problem(error)
    }
  }

  private static func answer(_ impairments: Impairments) -> HTTPResponse {
    .api(JSONWriter.text { $0.impairmentMembers(impairments) })
  }
}
