import ArgumentParser

/// A word of the command line that its command does not know, said with what may have been meant.
///
/// The argument parser's own words mislead: it takes the value of an unknown option for an argument that is invalid,
/// asks for the option that is nearest however far that is, and has a negative number for no value at all.
struct UnknownWord: CustomStringConvertible {
  let description: String

  /// Looks for one in arguments that were refused; nil where all are known, so that something else is wrong.
  init?(in arguments: [String]) {
    let first = arguments.first ?? ""
    let command = Self.commands.first { $0._commandName == first }
    if command == nil, !first.isEmpty, !first.hasPrefix("-"), first != "help" {
      let names = Self.commands.map { $0._commandName }
      let guess = Spelling.nearest(to: first, among: names).map { "; did you mean '\($0)'?" }
      description = "there is no command '\(first)'\(guess ?? ": there are " + names.joined(separator: ", "))"
      return
    }
    let known = Self.options(of: command ?? Serve.self)
    if let option = Self.names(in: arguments).first(where: { !known.contains($0) }) {
      let name = (command ?? Serve.self)._commandName
      description = "'yodel \(name)' has no option '\(option)'" + Self.guess(option, among: known, of: name)
    } else if let (option, number) = Self.negativeNumber(in: arguments) {
      description = "'\(option)' takes no negative number like '\(number)'"
    } else {
      return nil
    }
  }

  private static func negativeNumber(in arguments: [String]) -> (option: String, number: String)? {
    let words = arguments.prefix { $0 != "--" }
    return zip(words, words.dropFirst()).first { $0.hasPrefix("-") && isNegative($1) }
  }

  private static func isNegative(_ word: String) -> Bool { word.hasPrefix("-") && Double(word) != nil }

  private static func guess(_ option: String, among known: [String], of command: String) -> String {
    let others = commands.filter { $0._commandName != command && options(of: $0).contains(option) }
    if !others.isEmpty {
      return "; that is one of " + others.map { "'yodel \($0._commandName)'" }.joined(separator: " and ")
    }
    let long = known.filter { $0.hasPrefix("--") }.map { String($0.dropFirst(2)) }
    if option.hasPrefix("--"), let near = Spelling.nearest(to: String(option.dropFirst(2)), among: long) {
      return "; did you mean '--\(near)'?"
    }
    if let short = short(option, known) { return "; did you mean '\(short)'?" }
    let own = known.filter { !["-h", "--help", "--version"].contains($0) }
    return own.count > 6 ? "" : ": it has " + own.joined(separator: ", ")
  }

  /// The option of one letter with which the word begins, in whichever case: `-c` for `--count`, `-W` for `-w`.
  private static func short(_ option: String, _ known: [String]) -> String? {
    let letter = option.drop { $0 == "-" }.prefix(1).lowercased()
    return known.first { !$0.hasPrefix("--") && $0 != "-h" && $0.dropFirst().lowercased() == letter }
  }

  /// The options among the arguments, without their values; a negative number is none.
  private static func names(in arguments: [String]) -> [String] {
    arguments.prefix { $0 != "--" }.filter { $0.utf8.count > 1 && $0.hasPrefix("-") && !isNegative($0) }
      .map { String($0.prefix { $0 != "=" }) }
  }

  private static var commands: [any ParsableCommand.Type] { Yodel.configuration.subcommands }

  /// All names of a command's options, by its own help.
  static func options(of command: any ParsableCommand.Type) -> [String] {
    let shown = command.helpMessage(columns: 500).split(separator: "\n").filter { $0.hasPrefix("  -") }.flatMap {
      line in
      line.split(separator: " ").prefix { $0.hasPrefix("-") || $0.hasPrefix("<") }.filter { $0.hasPrefix("-") }
        .map { String($0.prefix { $0 != "," }) }
    }
    return shown + ["--version"]
  }
}
