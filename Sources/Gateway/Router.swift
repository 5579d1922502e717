import HTTPServer

/// Which handler a request belongs to.
struct Router: Sendable {
  /// What metrics call a route: nothing in it was chosen by a client.
  enum Label: Hashable {
    /// An entry of the table.
    case route(String)
    /// A file of the page.
    case file
    /// Nothing that there is.
    case other

    var text: String {
      switch self {
      case .route(let path): path
      case .file: "file"
      case .other: "other"
      }
    }
  }

  /// What a request leads to.
  enum Match {
    case route(Route)
    case file(StaticFile)
    /// The path can do something, but not this.
    case allowed([HTTPMethod])
    case nothing
  }

  private let routes: [String: [Route]]
  private let files: StaticFiles

  init(_ routes: [Route], files: StaticFiles) {
    self.routes = Dictionary(grouping: routes, by: \.path)
    self.files = files
  }

  func match(_ head: HTTPRequestHead) -> Match {
    let method = head.method == .head ? .get : head.method
    if let routes = routes[head.path] ?? routes[Self.withoutSlash(head.path)] {
      return routes.first { $0.method == method }.map { .route($0) } ?? .allowed(routes.map(\.method))
    }
    guard let file = files[head.path] else { return .nothing }
    return method == .get ? .file(file) : .allowed([.get])
  }

  func label(_ head: HTTPRequestHead) -> Label {
    let path = routes[head.path] != nil ? head.path : Self.withoutSlash(head.path)
    if routes[path] != nil { return .route(path) }
    return files[head.path] != nil ? .file : .other
  }

  private static func withoutSlash(_ path: String) -> String {
    path.utf8.count > 1 && path.utf8.last == UInt8(ascii: "/") ? String(path.dropLast()) : path
  }
}
