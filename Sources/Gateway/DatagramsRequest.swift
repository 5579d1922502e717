import Basics
import HTTPServer

/// What a `GET /api/datagrams` asks for.
enum DatagramsRequest: Equatable {
  /// The newest, at most so many.
  case list(limit: Int)
  /// What comes from now on, or after the event that a client had last.
  case feed(lastEventID: String?)

  /// Whether an `Accept` header asks for a feed.
  static func isFeed(accept: String?) -> Bool {
    preferredType(accept, among: [EventStream.mediaType]) != nil
  }

  /// - Throws: `invalid-request` for a query that is not known or has no place here.
  init(_ head: HTTPRequestHead) throws(Problem) {
    let limit = try Self.limit(head.query)
    guard Self.isFeed(accept: head.fields["Accept"]) else {
      self = .list(limit: limit ?? Limits.defaultListedDatagrams)
      return
    }
    guard limit == nil else {
      throw Problem(.invalidRequest, "'limit' is for the list; a feed resumes after a Last-Event-ID")
    }
    // An empty one says what none says (HTML, server-sent events).
    self = .feed(lastEventID: head.fields["Last-Event-ID"].flatMap { $0.isEmpty ? nil : $0 })
  }

  private static func limit(_ query: String?) throws(Problem) -> Int? {
    var limit: Int?
    for (name, value) in try FormField.pairs(FormField.all(in: (query ?? "").utf8), "query parameter") {
      guard name == "limit" else {
        throw Problem(unknown: name, "query parameter", known: ["limit"])
      }
      let digits = value.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      guard digits, let number = Int(value), Limits.listedDatagrams.contains(number) else {
        let range = Limits.listedDatagrams
        throw Problem(
          .invalidRequest, "'limit' must be a whole number from \(range.lowerBound) to \(range.upperBound)",
          [.number("limit", range.upperBound)])
      }
      limit = number
    }
    return limit
  }
}
