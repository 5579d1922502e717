import Relay
import Sockets

/// The targets that requests can name. A class, so that who looks one up copies no table.
final class TargetTable: Sendable {
  /// In the order of the command line, the embedded echo server first.
  let targets: [Target]
  private let rules: TargetRules
  private let indices: [String: Int]

  /// - Precondition: there is at least one, and their names differ.
  init(_ targets: [Target], rules: TargetRules) {
    self.targets = targets
    self.rules = rules
    indices = Dictionary(uniqueKeysWithValues: targets.enumerated().map { ($1.name!, $0) })
  }

  /// The target for a request that names none.
  var `default`: Target { targets[0] }

  /// The target for what a request names, and its place in the metrics. No name is looked up but in this table.
  ///
  /// - Throws: `unknown-target`, or `target-not-allowed` for a literal address.
  func target(_ name: String?) throws(Problem) -> (target: Target, index: Int) {
    guard let name else { return (targets[0], 0) }
    if let index = indices[name] { return (targets[index], index) }
    // Whatever interface is named will do until the address is allowed: which there are is nobody else's business.
    guard let address = address(name, interface: { _ in .max }) else { throw unknown(name) }
    if let reason = rules.impossibility(address) {
      throw Problem(.targetNotAllowed, "'\(name)' can be no target: \(reason)", [.text("target", name)])
    }
    guard rules.allows(address) else {
      throw Problem(.targetNotAllowed, notAllowed(name), [.text("target", name)])
    }
    guard name.utf8.contains(UInt8(ascii: "%")) else { return (Target(name: nil, address: address), literalIndex) }
    guard let address = self.address(name, interface: { rules.interfaces[$0] ?? 0 }) else { throw unknown(name) }
    return (Target(name: nil, address: address), literalIndex)
  }

  private func address(_ text: String, interface: (String) -> UInt32) -> SocketAddress? {
    SocketAddress(text, interface: interface)?.canonical
  }

  private func unknown(_ name: String) -> Problem {
    Problem(.unknownTarget, "there is no target '\(name)'; " + names, [.text("target", name)])
  }

  /// What metrics call a target; literal addresses, which clients choose, are one.
  func label(_ index: Int) -> String { index < targets.count ? targets[index].name! : Self.literalLabel }

  /// All that metrics tell apart: place and label of each configured target, and what literal addresses go by.
  var counted: [(index: Int, label: String)] {
    let configured = targets.enumerated().map { ($0, $1.name!) }
    let hasLiterals = !rules.allowed.isEmpty && literalIndex == targets.count
    return configured + (hasLiterals ? [(literalIndex, Self.literalLabel)] : [])
  }

  private static let literalLabel = "other"

  /// Behind all others; or that of a target with this very name, since two samples may not have the same labels.
  private var literalIndex: Int { indices[Self.literalLabel] ?? targets.count }

  private func notAllowed(_ name: String) -> String {
    let allowed =
      rules.allowed.isEmpty
      ? "no literal address is allowed (--allow-target CIDR[:PORT[-PORT]] allows some)"
      : "no --allow-target allows this address with this port"
    return "'\(name)' is no configured target, and \(allowed); \(names)"
  }

  private var names: String {
    "configured are " + targets.map(\.name!).joined(separator: ", ") + " (--target NAME=HOST:PORT adds one)"
  }
}
