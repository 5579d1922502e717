import Basics
import Echo
import HTTPServer

extension GatewayLoop {
  /// `GET /api/datagrams`: what the embedded echo server saw, as a list or as a feed.
  func datagrams(_ request: HTTPRequest) throws(Problem) -> HTTPResponse {
    guard let log = core.echo?.log, let hub else { throw Problem.noEcho }
    guard DatagramsRequest.isFeed(accept: request.head.fields["Accept"]) else {
      return try list(DatagramsRequest(request.head), log)
    }
    if core.isDraining { throw Problem(.draining, "the gateway is shutting down") }
    // That there is no room is said before what is wrong with the request.
    let place = try core.feeds.take(for: request.head.peer.ip)
    // HEAD is told whether there is room, and needs none.
    return feed(try DatagramsRequest(request.head), log, hub, request.head.method == .head ? nil : place)
  }

  private func list(_ request: DatagramsRequest, _ log: DatagramLog) -> HTTPResponse {
    guard case .list(var left) = request else { preconditionFailure("a list was asked for") }
    var excerpt = DatagramExcerpt(capacity: Limits.datagramsPerRead)
    var number = UInt64.max
    return .api(
      JSONWriter.text { json in
        json.array("datagrams") { json in
          while left > 0 {
            log.read(before: number, into: &excerpt)
            for (index, record) in excerpt.records.enumerated().reversed().prefix(left) {
              let identifier = log.identifier(of: record.number)
              json.object { $0.datagramMembers(record, excerpt.bytes(at: index), identifier: identifier) }
            }
            guard let first = excerpt.records.first else { break }
            number = first.number
            left -= excerpt.records.count
          }
        }
      })
  }

  private func feed(
    _ request: DatagramsRequest, _ log: DatagramLog, _ hub: FeedHub, _ place: FeedPlaces.Place?
  ) -> HTTPResponse {
    guard case .feed(let lastEventID) = request else { preconditionFailure("a feed was asked for") }
    let start = FeedHub.Start(after: lastEventID, in: log)
    var response = HTTPResponse.api(type: EventStream.mediaType) { writer in
      // What is captured lasts as long as the answer does, also one that nobody reads.
      defer { withExtendedLifetime(place) {} }
      try await hub.serve(start, through: writer)
    }
    response.isEndless = true
    return response
  }
}

extension FeedHub.Start {
  /// After the event that a client had last, or now. One that this process does not know begins with a gap, and what
  /// there is.
  init(after lastEventID: String?, in log: DatagramLog) {
    guard let lastEventID else {
      self.init(cursor: log.newest, missed: nil)
      return
    }
    if let number = log.number(of: lastEventID) {
      self.init(cursor: number, missed: nil)
    } else {
      let gone = log.oldest - 1
      self.init(cursor: gone, missed: gone)
    }
  }
}
