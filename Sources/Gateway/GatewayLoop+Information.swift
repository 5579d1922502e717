import Basics
import HTTPServer
import Relay

extension GatewayLoop {
  /// `GET /api`.
  func routeList() -> HTTPResponse {
    .api(
      JSONWriter.text { json in
        json.array("routes") { json in
          for route in Route.all {
            json.object { json in
              json.member("method", route.method.rawValue)
              json.member("path", route.path)
              json.member("summary", route.summary)
              json.member("curl", core.curlLine(route))
            }
          }
        }
      })
  }

  /// `GET /api/targets`.
  func targetList() -> HTTPResponse {
    .api(
      JSONWriter.text { json in
        json.array("targets") { json in
          for target in core.targets.targets {
            json.object { json in
              json.member("name", target.label)
              json.addressMembers(target.address)
              json.member("embedded", target.isEmbedded)
              json.member("default", target === core.targets.default)
            }
          }
        }
      })
  }

  /// `GET /api/info`.
  func information() -> HTTPResponse {
    .api(
      JSONWriter.text { json in
        json.member("name", "yodel")
        json.member("version", version)
        json.member("uptime_ms", milliseconds: .now() - core.startedAt)
        json.member("loops", core.loops.count)
        json.array("http") { json in
          for address in core.server?.addresses ?? [] { json.object { $0.addressMembers(address) } }
        }
        json.array("udp") { json in
          for address in core.echo?.addresses ?? [] { json.object { $0.addressMembers(address) } }
        }
        json.object("limits") { writeLimits(to: &$0) }
      })
  }

  private func writeLimits(to json: inout JSONWriter) {
    json.member("default_timeout_ms", core.configuration.timeout.count / 1_000_000)
    json.member("max_timeout_ms", Limits.timeoutMilliseconds.upperBound)
    json.member("max_in_flight", core.configuration.maxInFlight)
    json.member("max_connections", core.configuration.maxConnections)
    json.member("max_series", core.configuration.maxSeries)
    json.member("max_probe_count", Limits.probeCount.upperBound)
    json.member("max_probe_bytes", Limits.probeSize.upperBound)
    json.member("max_feeds", core.configuration.maxFeeds)
    json.member("max_feeds_per_client", Limits.feedsPerClient)
    json.member("message_rate", core.configuration.messageRate ?? Limits.defaultMessageRate)
    json.member("echo_rate", core.configuration.echoRate)
    json.member("max_body_bytes", Limits.requestBody)
    json.member("max_message_bytes_ipv4", Limits.largestPayloadIPv4)
    json.member("max_message_bytes_ipv6", Limits.largestPayloadIPv6)
  }

  /// `GET /openapi.json`: made when it is first asked for.
  func openAPI() -> HTTPResponse {
    .api(
      core.openAPI.withLock { text in
        if text.isEmpty {
          let timeout = Int(core.configuration.timeout.count / 1_000_000)
          text = OpenAPI(needsToken: core.access.token != nil, timeoutMilliseconds: timeout).text
        }
        return text
      })
  }

  /// `GET /healthz`.
  func health() throws(Problem) -> HTTPResponse {
    guard let stuck = core.stuckLoop else {
      return .api(JSONWriter.text { $0.member("status", "ok") })
    }
    throw Problem(.overloaded, "the event loop '\(stuck.name)' has not turned for \(Int(stuck.since.seconds)) s")
  }

  /// `GET /readyz`.
  func readiness() throws(Problem) -> HTTPResponse {
    if core.isDraining { throw Problem(.draining, "the gateway is shutting down") }
    return .api(JSONWriter.text { $0.member("status", "ok") })
  }
}
