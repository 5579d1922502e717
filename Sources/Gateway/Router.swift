import HTTPServer

/// Which handler a request belongs to.
final class Router: Sendable {
  /// What metrics call a route: nothing in it was chosen by a client.
  enum Label: Hashable {
    /// A path of the table, by its place in ``Router/paths``.
    case path(Int)
    /// A file of the page.
    case file
    /// Nothing that there is.
    case other
  }

  /// What answers a request: a method of a path, or a file of the page.
  final class Destination: Sendable {
    enum Kind {
      case route(Route)
      case file(StaticFile)
    }

    /// Its place in ``Router/destinations``.
    let number: Int
    let kind: Kind
    let label: Label
    /// A request does something, so pages of other origins may not make it.
    let hasEffects: Bool
    /// It has datagrams sent, so that a client may use it only so often.
    let sends: Bool
    private let typeRefusal: Route.TypeRefusal?

    init(number: Int, kind: Kind, label: Label) {
      self.number = number
      self.kind = kind
      self.label = label
      let route: Route? = if case .route(let route) = kind { route } else { nil }
      hasEffects = route?.hasEffects ?? false
      sends = route?.sends ?? false
      typeRefusal = route?.typeRefusal
    }

    /// Why a body of the type that its head says is not even read.
    func refusal(of head: HTTPRequestHead) -> Problem? { typeRefusal?(head) }
  }

  /// What a request leads to.
  struct Match {
    enum Outcome {
      case destination(Destination)
      /// The question what the path can do; with the answer, as `Allow` has it.
      case options(String)
      /// The path can do something, but not this; with what it can.
      case notAllowed(String)
      case nothing
    }

    let outcome: Outcome
    let label: Label
    let access: Access
  }

  /// A path, with all that it can do.
  private final class Place: Sendable {
    let path: String
    let label: Label
    let allow: String
    /// Of what asks for least: whoever may use some of it may ask what there is.
    let access: Access
    let methods: [(method: HTTPMethod, access: Access, destination: Destination)]

    init(
      _ path: String, label: Label, allow: String, access: Access,
      methods: [(method: HTTPMethod, access: Access, destination: Destination)]
    ) {
      self.path = path
      self.label = label
      self.allow = allow
      self.access = access
      self.methods = methods
    }
  }

  /// The paths of the table.
  let paths: [String]
  /// Everything that answers, by its number.
  let destinations: [Destination]
  /// The routes first, as their table has them: few, and what is asked most is found sooner than it is hashed.
  private let places: [Place]

  init(_ routes: [Route], files: StaticFiles) {
    let paths = Set(routes.map(\.path)).sorted()
    var destinations: [Destination] = []
    func add(_ kind: Destination.Kind, _ label: Label) -> Destination {
      destinations.append(Destination(number: destinations.count, kind: kind, label: label))
      return destinations.last!
    }
    var places: [Place] = []
    for path in routes.map(\.path) where !places.contains(where: { $0.path == path }) {
      let label = Label.path(paths.firstIndex(of: path)!)
      let routes = routes.filter { $0.path == path }
      places.append(
        Place(
          path, label: label, allow: Self.allow(routes.map(\.method)),
          access: min(routes.map(\.access).min()!, .api),
          methods: routes.map { ($0.method, $0.access, add(.route($0), label)) }))
    }
    // A route counts more than a file of its path.
    for path in files.paths where !places.contains(where: { $0.path == path }) {
      let file = add(.file(files[path]!), .file)
      places.append(
        Place(path, label: .file, allow: Self.allow([.get]), access: .page, methods: [(.get, .page, file)]))
    }
    let allow = Self.allow(routes.map(\.method))
    places.append(Place("*", label: .other, allow: allow, access: .page, methods: []))
    self.paths = paths
    self.destinations = destinations
    self.places = places
  }

  /// Something answers at `/`.
  var hasPage: Bool { index(of: "/") != nil }

  @inline(never)
  func match(_ head: HTTPRequestHead) -> Match {
    guard let index = index(of: head.path) ?? index(of: Self.withoutSlash(head.path)) else {
      return Match(outcome: .nothing, label: .other, access: .page)
    }
    let place = places[index]
    let method = head.method == .head ? .get : head.method
    let methods = place.methods
    if let found = methods.indices.first(where: { methods[$0].method == method }) {
      return Match(
        outcome: .destination(methods[found].destination), label: place.label, access: methods[found].access)
    }
    let outcome: Match.Outcome = method == .options ? .options(place.allow) : .notAllowed(place.allow)
    return Match(outcome: outcome, label: place.label, access: place.access)
  }

  private func index(of path: String) -> Int? {
    places.indices.first { places[$0].path == path }
  }

  /// How metrics write a label.
  func text(_ label: Label) -> String {
    switch label {
    case .path(let index): paths[index]
    case .file: "file"
    case .other: "other"
    }
  }

  /// Methods as the header `Allow` lists them, each once, with what comes along with them.
  static func allow(_ methods: [HTTPMethod]) -> String {
    let all = methods.flatMap { $0 == .get ? [.get, .head] : [$0] } + [.options]
    return all.enumerated().filter { all.firstIndex(of: $0.element) == $0.offset }.map(\.element.rawValue)
      .joined(separator: ", ")
  }

  private static func withoutSlash(_ path: String) -> String {
    path.utf8.count > 1 && path.utf8.last == UInt8(ascii: "/") ? String(path.dropLast()) : path
  }
}
