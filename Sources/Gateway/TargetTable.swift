import Relay
import Sockets

/// The targets that requests can name.
struct TargetTable {
  /// In the order of the command line, the embedded echo server first.
  let targets: [Target]
  private let indices: [String: Int]

  /// - Precondition: there is at least one, and their names differ.
  init(_ targets: [Target]) {
    self.targets = targets
    indices = Dictionary(uniqueKeysWithValues: targets.enumerated().map { ($1.name!, $0) })
  }

  /// The target for a request that names none.
  var `default`: Target { targets[0] }

  /// The target for what a request names, and its place in the metrics.
  ///
  /// - Throws: `unknown-target`, or `target-not-allowed` for a literal address.
  func target(_ name: String?) throws(Problem) -> (target: Target, index: Int) {
    guard let name else { return (targets[0], 0) }
    if let index = indices[name] { return (targets[index], index) }
    if SocketAddress(name) != nil {
      throw Problem(
        .targetNotAllowed, "'\(name)' is no configured target, and no literal address is allowed; " + names,
        [.text("target", name)])
    }
    throw Problem(.unknownTarget, "there is no target '\(name)'; " + names, [.text("target", name)])
  }

  /// What metrics call a target.
  func label(_ index: Int) -> String { targets[index].name! }

  private var names: String {
    "configured are " + targets.map(\.name!).joined(separator: ", ") + " (--target NAME=HOST:PORT adds one)"
  }
}
