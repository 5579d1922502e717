import Basics
import EventLoop
import SystemPackage

// A scenario as a text: one step a line, in the order of the times.

extension Scenario {
  /// A line that is none of a scenario's.
  package struct TextError: Error, CustomStringConvertible {
    package var line: Int
    package var text: String

    package var description: String { "line \(line) cannot be understood: \(text)" }
  }

  package init(_ text: String) throws {
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let words = line.prefix { $0 != "#" }.split(separator: " ").map(String.init)
      guard words.isEmpty || read(words) else { throw TextError(line: index + 1, text: String(line)) }
    }
    // Of one time, in the order of the text.
    steps = steps.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
  }

  private static let settings: [(name: String, path: any WritableKeyPath<Scenario, Int> & Sendable)] = [
    ("pool", \.pool), ("budget", \.budget), ("ports", \.ports), ("queue", \.queue), ("events", \.events),
  ]

  private mutating func read(_ words: [String]) -> Bool {
    switch words[0] {
    case "at":
      guard words.count > 2, let time = Nanoseconds(milliseconds: words[1]), let action = action(words.dropFirst(2))
      else { return false }
      steps.append(Step(time, action))
    case "expect":
      guard let expectation = expectation(Array(words.dropFirst())) else { return false }
      expectations.append(expectation)
    default:
      guard words.count == 2, let number = Int(words[1]), number >= 0,
        let setting = Self.settings.first(where: { $0.name == words[0] })
      else { return false }
      self[keyPath: setting.path] = number
    }
    return true
  }

  private mutating func action(_ words: ArraySlice<String>) -> Action? {
    let arguments = Array(words.dropFirst())
    switch (words.first!, arguments.count) {
    case ("send", 1...): return sending(arguments)
    case ("check", 1...): return checks(arguments)
    case ("stall", 1): return Nanoseconds(milliseconds: arguments[0]).map { .stall($0) }
    case ("clock", 1): return Nanoseconds(milliseconds: arguments[0]).map { .clock($0) }
    case ("early", 0): return .early
    case ("fail", 2): return pair(Call(rawValue: arguments[0]), errno(arguments[1])) { .fail($0, $1) }
    case ("slow", 2):
      return pair(Call(rawValue: arguments[0]), Nanoseconds(milliseconds: arguments[1])) { .slow($0, $1) }
    case ("reply", 1): return .reply(number(arguments[0]), .whole)
    case ("reply", 2): return Form(rawValue: arguments[1]).map { .reply(number(arguments[0]), $0) }
    case ("icmp", 2): return errno(arguments[1]).map { .icmp(number(arguments[0]), $0) }
    case ("cancel", 1): return .cancel(number(arguments[0]))
    case ("stranger", 1): return .stranger(number(arguments[0]))
    case ("room", 1): return .room(number(arguments[0]))
    case ("wake", 1): return .wake(number(arguments[0]))
    default: return nil
    }
  }

  private func pair<First, Second>(
    _ first: First?, _ second: Second?, _ make: (First, Second) -> Action
  ) -> Action? {
    guard let first, let second else { return nil }
    return make(first, second)
  }

  private mutating func sending(_ words: [String]) -> Action? {
    var sending = Sending()
    sending.target = targetNumber("x")
    var rest = words.dropFirst()
    while let word = rest.popFirst() {
      switch word {
      case "fresh": sending.fresh = true
      case "cancelled": sending.isCancelledAtOnce = true
      case "to":
        guard let name = rest.popFirst() else { return nil }
        sending.target = targetNumber(name)
      case "timeout":
        guard let timeout = rest.popFirst().flatMap({ Nanoseconds(milliseconds: $0) }) else { return nil }
        sending.timeout = timeout
      default: return nil
      }
    }
    return .send(number(words[0]), sending)
  }

  private func checks(_ words: [String]) -> Action? {
    var wanted: [Counter: Int] = [:]
    var rest = words[...]
    while let name = rest.popFirst() {
      guard let counter = Counter(rawValue: name), let count = rest.popFirst().flatMap({ Int($0) }) else { return nil }
      wanted[counter] = count
    }
    return .check(wanted)
  }

  private mutating func expectation(_ words: [String]) -> Expectation? {
    guard words.count >= 2 else { return nil }
    if words[0] == "beyond" { return Int(words[1]).map { .beyond($0) } }
    let exchange = number(words[0])
    let isTimed = words.count > 3 && words[words.count - 2] == "at"
    let end = words[1..<(isTimed ? words.count - 2 : words.count)].joined(separator: " ")
    switch words[1] {
    case "reuses" where words.count == 3: return .port(exchange, sameAs: number(words[2]), true)
    case "avoids" where words.count == 3: return .port(exchange, sameAs: number(words[2]), false)
    default:
      guard end == "reply" || Ledger.errorNames.contains(where: { end.hasPrefix($0) }) else { return nil }
      let time = isTimed ? Nanoseconds(milliseconds: words.last!) : nil
      return .end(exchange, end == "reply" ? .reply : .error(end), at: time)
    }
  }

  private mutating func number(_ name: String) -> Int {
    Self.number(name, in: &names)
  }

  private mutating func targetNumber(_ name: String) -> Int {
    Self.number(name, in: &targets)
  }

  private static func number(_ name: String, in names: inout [String]) -> Int {
    if let number = names.firstIndex(of: name) { return number }
    names.append(name)
    return names.count - 1
  }
}

// MARK: - Writing

extension Scenario {
  /// The scenario as a text that reads as the same.
  package var text: String {
    let defaults = Scenario()
    let changed = Self.settings.filter { self[keyPath: $0.path] != defaults[keyPath: $0.path] }
    let lines = changed.map { "\($0.name) \(self[keyPath: $0.path])" }
    return (lines + steps.map { "at \($0.time.milliseconds) \(text($0.action))" }).joined(separator: "\n") + "\n"
  }

  private func name(_ exchange: Int) -> String {
    exchange < names.count ? names[exchange] : "m\(exchange)"
  }

  private func text(_ action: Action) -> String {
    switch action {
    case .send(let exchange, let sending):
      let target = sending.target < targets.count ? targets[sending.target] : "t\(sending.target)"
      return "send \(name(exchange)) to \(target) timeout \(sending.timeout.milliseconds)"
        + (sending.fresh ? " fresh" : "") + (sending.isCancelledAtOnce ? " cancelled" : "")
    case .cancel(let exchange): return "cancel \(name(exchange))"
    case .stall(let span): return "stall \(span.milliseconds)"
    case .check(let counts):
      return counts.sorted { $0.key.rawValue < $1.key.rawValue }.reduce("check") {
        $0 + " \($1.key.rawValue) \($1.value)"
      }
    case .reply(let exchange, let form): return "reply \(name(exchange))" + (form == .whole ? "" : " \(form)")
    case .stranger(let exchange): return "stranger \(name(exchange))"
    case .early: return "early"
    case .icmp(let exchange, let error): return "icmp \(name(exchange)) \(Self.name(error))"
    case .fail(let call, let error): return "fail \(call) \(Self.name(error))"
    case .slow(let call, let span): return "slow \(call) \(span.milliseconds)"
    case .room(let exchange): return "room \(name(exchange))"
    case .wake(let exchange): return "wake \(name(exchange))"
    case .clock(let span): return "clock \(span.milliseconds)"
    }
  }

  private static let errnos: [(name: String, errno: Errno)] = [
    ("EMFILE", .tooManyOpenFiles), ("ENFILE", .tooManyOpenFilesInSystem), ("EAGAIN", .resourceTemporarilyUnavailable),
    ("ENOBUFS", .noBufferSpace), ("ENOMEM", .noMemory), ("ENOSPC", .noSpace), ("EADDRNOTAVAIL", .addressNotAvailable),
    ("ENETUNREACH", .networkUnreachable), ("EHOSTUNREACH", .noRouteToHost), ("ECONNREFUSED", .connectionRefused),
    ("EPERM", .notPermitted), ("EACCES", .permissionDenied), ("EMSGSIZE", .messageTooLong),
    ("EINVAL", .invalidArgument),
  ]

  private func errno(_ name: String) -> Errno? {
    Self.errnos.first { $0.name == name }?.errno
  }

  static func name(_ errno: Errno) -> String {
    errnos.first { $0.errno == errno }?.name ?? "E\(errno.rawValue)"
  }
}

extension Nanoseconds {
  /// `12`, `0.5`, `-3600000`: milliseconds.
  fileprivate init?(milliseconds text: String) {
    guard let value = Double(text) else { return nil }
    self.init(Int64((value * 1e6).rounded()))
  }
}
