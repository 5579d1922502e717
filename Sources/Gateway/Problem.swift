import Basics
import HTTPServer

/// An error as a client sees it (RFC 9457). A class, so that functions which may throw it keep a pointer's room for it.
final class Problem: Error {
  /// The kinds of errors, all in one table.
  enum Kind: String, CaseIterable {
    case malformedRequest = "malformed-request"
    case invalidRequest = "invalid-request"
    case unknownTarget = "unknown-target"
    case unauthorized
    case targetNotAllowed = "target-not-allowed"
    case crossSite = "cross-site"
    case controlRefused = "control-refused"
    case notFound = "not-found"
    case methodNotAllowed = "method-not-allowed"
    case messageTooLarge = "message-too-large"
    case unsupportedMediaType = "unsupported-media-type"
    case wrongHost = "wrong-host"
    case rateLimited = "rate-limited"
    case headTooLarge = "head-too-large"
    case internalError = "internal-error"
    case notImplemented = "not-implemented"
    case portUnreachable = "port-unreachable"
    case targetUnreachable = "target-unreachable"
    case overloaded = "overloaded"
    case draining = "draining"
    case noReply = "no-reply"

    /// The status code and the title, which is the same for every problem of a kind.
    var row: (status: Int, title: String) {
      switch self {
      case .malformedRequest: (400, "The request cannot be read safely")
      case .invalidRequest: (400, "The request is not valid")
      case .unknownTarget: (400, "There is no such target")
      case .unauthorized: (401, "The gateway wants its token")
      case .targetNotAllowed: (403, "The target is not allowed")
      case .crossSite: (403, "A page of another origin may not do this")
      case .controlRefused: (403, "This needs the token, or to come from the gateway's machine")
      case .notFound: (404, "There is nothing here")
      case .methodNotAllowed: (405, "The method is not allowed here")
      case .messageTooLarge: (413, "The message is too large")
      case .unsupportedMediaType: (415, "The media type is not supported")
      case .wrongHost: (421, "The gateway is not called so")
      case .rateLimited: (429, "The client sends too often")
      case .headTooLarge: (431, "The request's head is too large")
      case .internalError: (500, "The gateway made an error")
      case .notImplemented: (501, "The transfer coding is not implemented")
      case .portUnreachable: (502, "Nothing listens on the target's port")
      case .targetUnreachable: (502, "The target cannot be reached")
      case .overloaded: (503, "The gateway has reached a limit")
      case .draining: (503, "The gateway is shutting down")
      case .noReply: (504, "No reply came in time")
      }
    }
  }

  /// A member beside those that RFC 9457 names.
  enum Member: Sendable {
    case number(StaticString, Int)
    case text(StaticString, String)
    /// An ICMP message's version, type and code.
    case icmp(version: Int, type: UInt8, code: UInt8)
  }

  let kind: Kind
  /// What was wrong, and what to do.
  let detail: String
  let members: [Member]
  /// Header fields that belong to the status, such as Allow.
  let fields: [(name: String, value: String)]

  init(_ kind: Kind, _ detail: String, _ members: [Member] = [], fields: [(name: String, value: String)] = []) {
    self.kind = kind
    self.detail = detail
    self.members = members
    // Limits are left by exchanges that end; a second is the least that Retry-After can say.
    self.fields = kind == .overloaded || kind == .draining ? fields + [("Retry-After", "1")] : fields
  }
}

extension Problem {
  /// What stands before a kind's name in `type`.
  static let typePrefix = "urn:yodel:problem:"

  /// The problem as JSON.
  var text: [UInt8] {
    JSONWriter.text { json in
      json.member("type", Self.typePrefix + kind.rawValue)
      json.member("title", kind.row.title)
      json.member("status", kind.row.status)
      json.member("detail", detail)
      for member in members { Self.write(member, to: &json) }
    }
  }

  /// The problem as an answer.
  var response: HTTPResponse {
    var response = HTTPResponse.api(status: kind.row.status, type: "application/problem+json", text)
    for field in fields { response.fields.append(field.name, field.value) }
    return response
  }

  private static func write(_ member: Member, to json: inout JSONWriter) {
    switch member {
    case .number(let name, let value): json.member(name, value)
    case .text(let name, let value): json.member(name, value)
    case .icmp(let version, let type, let code):
      json.object("icmp") { $0.icmpMembers(version: version, type: type, code: code) }
    }
  }
}
