import ArgumentParser
import FoundationEssentials

/// The environment variables of `yodel serve`: each stands for the option of its name, unless that is given.
struct EnvironmentOptions {
  private let environment: [String: String]

  init(_ environment: [String: String] = ProcessInfo.processInfo.environment) {
    self.environment = environment
  }

  /// Options that take a value, with those that can be repeated apart: their variables take commas.
  static let single = [
    "timeout-ms", "max-in-flight", "max-connections", "max-series", "max-feeds", "message-rate", "echo-rate", "loops",
    "public", "token-file", "tls-certificate", "tls-key", "drain-delay", "log-level", "log-format", "loss", "delay",
    "jitter", "duplicate", "corrupt",
    "reorder", "rate", "seed",
  ]
  static let repeatable = ["http", "udp", "target", "allow-target", "allow-host"]
  static let flags = ["no-echo", "allow-anonymous", "print-datagrams"]

  private static let prefix = "YODEL_"

  /// `--max-in-flight` is `YODEL_MAX_IN_FLIGHT`.
  static func variable(for option: String) -> String {
    prefix + option.uppercased().replacing("-", with: "_")
  }

  /// What is wrong with variables that begin like ours and are none, in one line; nil where there are none.
  ///
  /// `YODEL_TOKEN` is in the command lines that the page and errors show.
  var complaint: String? {
    let known = (Self.single + Self.repeatable + Self.flags).map(Self.variable)
    let unknown = environment.keys.filter { name in
      name.hasPrefix(Self.prefix) && !known.contains(name) && name != "YODEL_TOKEN"
        && !Self.isOfKubernetes(name, environment[name]!)
    }
    if unknown.isEmpty { return nil }
    let ends = known.map { String($0.dropFirst(Self.prefix.count)) }
    let words = unknown.sorted().map { name in
      let near = Spelling.nearest(to: String(name.dropFirst(Self.prefix.count)), among: ends)
      return near.map { "\(name) (did you mean \(Self.prefix)\($0)?)" } ?? name
    }
    return "no option has the variable \(words.joined(separator: ", ")); 'yodel serve --help' lists the options"
  }

  /// Whether Kubernetes sets a variable for a service called yodel, or yodel-udp: its address in either of two forms.
  private static func isOfKubernetes(_ name: String, _ value: String) -> Bool {
    name.hasSuffix("_SERVICE_HOST") || name.contains("_SERVICE_PORT") || name.contains("_PORT_")
      || name.hasSuffix("_PORT") && value.contains("://")
  }

  /// The arguments with what the environment adds to them.
  ///
  /// - Throws: a usage error that names the variable, where its value is no good.
  func completing(_ arguments: [String]) throws -> [String] {
    guard Self.isServe(arguments) else { return arguments }
    var completed = arguments
    for option in Self.single + Self.repeatable + Self.flags {
      let added = try self.arguments(for: option)
      if added.isEmpty || arguments.contains(where: { $0 == "--" + option || $0.hasPrefix("--\(option)=") }) {
        continue
      }
      try check(option, arguments + added, beside: arguments)
      completed += added
    }
    return completed
  }

  private static func isServe(_ arguments: [String]) -> Bool {
    guard let first = arguments.first else { return true }
    return first == "serve" || first.hasPrefix("-")
  }

  private func arguments(for option: String) throws -> [String] {
    let name = Self.variable(for: option)
    guard let value = environment[name], !value.isEmpty else { return [] }
    if Self.single.contains(option) { return ["--" + option, value] }
    if Self.repeatable.contains(option) { return value.split(separator: ",").flatMap { ["--" + option, String($0)] } }
    switch value.lowercased() {
    case "1", "true", "yes": return ["--" + option]
    case "0", "false", "no": return []
    default: throw ValidationError("\(name) must be true or false, not '\(value)'")
    }
  }

  /// Finds out whether it is the variable that is wrong, so that the error can say so.
  private func check(_ option: String, _ with: [String], beside without: [String]) throws {
    guard (try? Yodel.parseAsRoot(without)) != nil else { return }
    do { _ = try Yodel.parseAsRoot(with) } catch {
      throw ValidationError("\(Self.variable(for: option)): \(Yodel.message(for: error))")
    }
  }
}
