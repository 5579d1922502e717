/// A Content-Type's type without its parameters, in lower case (RFC 9110 section 8.3.1).
func mediaType(_ contentType: String?) -> String? {
  contentType.flatMap { $0.split(separator: ";", omittingEmptySubsequences: false).first }
    .map { $0.lowercased().filter { $0 != " " && $0 != "\t" } }
}

/// Which of `types` an Accept header (RFC 9110 section 12.5.1) asks for; nil for JSON, which is everybody's who does
/// not name another type and like it better.
func preferredType(_ accept: String?, among types: [String]) -> String? {
  guard let accept else { return nil }
  var json = 0.0
  var best: (type: String, quality: Double) = ("", 0)
  for range in accept.split(separator: ",") {
    let type = mediaType(String(range)) ?? ""
    let quality = quality(of: range)
    switch type {
    case "application/json", "application/*": json = max(json, quality)
    case _ where types.contains(type): if quality > best.quality { best = (type, quality) }
    default: break
    }
  }
  return best.quality > json ? best.type : nil
}

/// How much a range of an Accept header is liked: 0 stands for "not this" (RFC 9110 section 12.4.2).
func quality(of range: Substring) -> Double {
  for parameter in range.split(separator: ";").dropFirst() {
    let parts = parameter.filter { $0 != " " }.lowercased().split(separator: "=")
    if parts.count == 2, parts[0] == "q" { return Double(parts[1]) ?? 0 }
  }
  return 1
}

/// In which form a reply is wanted.
enum ReplyForm {
  /// As JSON, with all that is known of it.
  case json
  /// Its bytes alone, as this media type.
  case raw(String)

  /// Reads an Accept header: bytes are for those who name them and do not like JSON as much.
  init(accept: String?) {
    guard let accept else {
      self = .json
      return
    }
    self = preferredType(accept, among: ["text/plain", "application/octet-stream"]).map { .raw($0) } ?? .json
  }
}
