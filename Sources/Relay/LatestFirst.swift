/// Values at places that their keys have. The key that was looked up last is found without hashing: under load many
/// messages in a row go to one target. Who keeps a place looks nothing up.
struct LatestFirst<Key: Hashable, Value> {
  /// Where a value is, as long as its key has one.
  typealias Place = Int

  /// All keys and their places.
  private(set) var places: [Key: Place] = [:]
  private var values: [Value] = []
  /// Places that no key has.
  private var free: [Place] = []
  private var latest: (key: Key, place: Place)?

  /// The value at a place.
  subscript(place: Place) -> Value {
    _read { yield values[place] }
    _modify { yield &values[place] }
  }

  /// The place of a key, which has `value` there where it had none.
  mutating func place(of key: Key, else value: @autoclosure () -> Value) -> Place {
    if let latest, latest.key == key { return latest.place }
    let place = places[key] ?? add(key, value())
    latest = (key, place)
    return place
  }

  private mutating func add(_ key: Key, _ value: Value) -> Place {
    let place = free.popLast() ?? values.count
    if place == values.count { values.append(value) } else { values[place] = value }
    places[key] = place
    return place
  }

  /// Forgets a key, and its value: `nothing` is there until another key has its place.
  mutating func remove(_ key: Key, leaving nothing: Value) {
    guard let place = places.removeValue(forKey: key) else { return }
    values[place] = nothing
    free.append(place)
    latest = nil
  }
}

extension LatestFirst: Sendable where Key: Sendable, Value: Sendable {}
