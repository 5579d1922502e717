/// A dictionary that finds the key of its latest change without hashing: under load many messages in a row go to one
/// target, and each looks it up six times.
struct LatestFirst<Key: Hashable, Value> {
  private var places: [Key: Int] = [:]
  /// nil where a place is free.
  private var values: [Value?] = []
  private var freePlaces: [Int] = []
  private var latest: (key: Key, place: Int)?

  /// All keys, in no order.
  var keys: [Key] { Array(places.keys) }

  /// The value of a key; set to nil, the key is forgotten.
  subscript(key: Key) -> Value? {
    get { place(of: key).flatMap { values[$0] } }
    _modify {
      let place = place(of: key) ?? add(key)
      latest = (key, place)
      yield &values[place]
      if values[place] == nil { forget(key, place) }
    }
  }

  private func place(of key: Key) -> Int? {
    if let latest, latest.key == key { return latest.place }
    return places[key]
  }

  private mutating func add(_ key: Key) -> Int {
    let place = freePlaces.popLast() ?? values.count
    if place == values.count { values.append(nil) }
    places[key] = place
    return place
  }

  private mutating func forget(_ key: Key, _ place: Int) {
    places[key] = nil
    freePlaces.append(place)
    latest = nil
  }
}

extension LatestFirst: Sendable where Key: Sendable, Value: Sendable {}
