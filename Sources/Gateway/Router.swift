import HTTPServer

/// Which handler a request belongs to.
struct Router: Sendable {
  /// What metrics call a route: nothing in it was chosen by a client.
  enum Label: Hashable {
    /// A path of the table, by its place in ``Router/paths``.
    case path(Int)
    /// A file of the page.
    case file
    /// Nothing that there is.
    case other
  }

  /// What a request leads to.
  enum Match {
    case route(Route)
    case file(StaticFile)
    /// The path can do something, but not this.
    case allowed([HTTPMethod])
    case nothing
  }

  /// The paths of the table.
  let paths: [String]
  private let routes: [String: (index: Int, routes: [Route])]
  private let files: StaticFiles

  init(_ routes: [Route], files: StaticFiles) {
    let byPath = Dictionary(grouping: routes, by: \.path)
    paths = byPath.keys.sorted()
    self.routes = Dictionary(uniqueKeysWithValues: paths.enumerated().map { ($1, ($0, byPath[$1]!)) })
    self.files = files
  }

  @inline(never)
  func match(_ head: HTTPRequestHead) -> (match: Match, label: Label) {
    let method = head.method == .head ? .get : head.method
    if let (index, routes) = routes[head.path] ?? routes[Self.withoutSlash(head.path)] {
      let match = routes.first { $0.method == method }.map { Match.route($0) } ?? .allowed(routes.map(\.method))
      return (match, .path(index))
    }
    guard let file = files[head.path] else { return (.nothing, .other) }
    return (method == .get ? .file(file) : .allowed([.get]), .file)
  }

  /// How metrics write a label.
  func text(_ label: Label) -> String {
    switch label {
    case .path(let index): paths[index]
    case .file: "file"
    case .other: "other"
    }
  }

  private static func withoutSlash(_ path: String) -> String {
    path.utf8.count > 1 && path.utf8.last == UInt8(ascii: "/") ? String(path.dropLast()) : path
  }
}
