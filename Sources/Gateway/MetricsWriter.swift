/// Writes Prometheus's text format (version 0.0.4), a family at a time.
struct MetricsWriter {
  /// The types of families.
  enum FamilyType: String {
    case counter, gauge, histogram
  }

  private(set) var text = ""

  /// A family's head; its samples follow.
  mutating func family(_ name: String, _ type: FamilyType, _ help: String) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(type.rawValue)\n"
  }

  /// One sample; labels in the order given.
  mutating func sample(_ name: String, _ labels: KeyValuePairs<String, String>, _ value: some Numeric) {
    text += name
    if !labels.isEmpty {
      text += "{" + labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",") + "}"
    }
    text += " \(value)\n"
  }

  /// A family of one sample without labels.
  mutating func single(_ name: String, _ type: FamilyType, _ help: String, _ value: some Numeric) {
    family(name, type, help)
    sample(name, [:], value)
  }

  private static func escaped(_ value: String) -> String {
    value.reduce(into: "") { text, character in
      switch character {
      case "\\": text += "\\\\"
      case "\"": text += "\\\""
      case "\n": text += "\\n"
      default: text.append(character)
      }
    }
  }
}
