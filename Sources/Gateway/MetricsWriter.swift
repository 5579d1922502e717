/// Writes Prometheus's text format (version 0.0.4), a family at a time.
struct MetricsWriter {
  /// The types of families.
  enum FamilyType: String {
    case counter, gauge, histogram
  }

  /// What `Content-Type` calls the format.
  static let mediaType = "text/plain; version=0.0.4; charset=utf-8"

  /// What is written so far: bytes, since a gateway of many targets has thousands of lines for each scrape.
  private(set) var bytes: [UInt8] = []

  /// A family's head; its samples follow.
  mutating func family(_ name: String, _ type: FamilyType, _ help: String) {
    append("# HELP \(name) \(help)\n# TYPE \(name) \(type.rawValue)\n")
  }

  /// One sample; labels in the order given.
  mutating func sample(_ name: String, _ labels: KeyValuePairs<String, String>, _ value: some Numeric) {
    append(name)
    var separator = "{"
    for (label, value) in labels {
      append(separator)
      append(label)
      append("=\"")
      appendEscaped(value)
      separator = "\","
    }
    append(labels.isEmpty ? " " : "\"} ")
    append("\(value)")
    append("\n")
  }

  /// A family of one sample without labels.
  mutating func single(_ name: String, _ type: FamilyType, _ help: String, _ value: some Numeric) {
    family(name, type, help)
    sample(name, [:], value)
  }

  private mutating func append(_ text: String) {
    bytes.append(contentsOf: text.utf8)
  }

  private mutating func appendEscaped(_ value: String) {
    for byte in value.utf8 {
      switch byte {
      case UInt8(ascii: "\\"), UInt8(ascii: "\""): bytes += [UInt8(ascii: "\\"), byte]
      case UInt8(ascii: "\n"): append("\\n")
      default: bytes.append(byte)
      }
    }
  }
}
