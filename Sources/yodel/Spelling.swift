/// Guesses what was meant by a word that nobody knows.
enum Spelling {
  /// The known word that a slip of the hand, or an end left out, makes of this one; nil where none is that near.
  static func nearest(to word: String, among known: [String]) -> String? {
    let bytes = Array(word.utf8)
    // One slip in three letters is none; three are another word.
    let allowed = min(3, max(1, bytes.count / 3))
    let near = known.map { ($0, distance(bytes, Array($0.utf8))) }.min { $0.1 < $1.1 }
    if let near, near.1 <= allowed { return near.0 }
    let longer = known.filter { bytes.count >= 3 && $0.hasPrefix(word) }
    return longer.count == 1 ? longer[0] : nil
  }

  /// How many letters are put in, left out, mistaken or swapped with their neighbour (the optimal string alignment).
  private static func distance(_ one: [UInt8], _ other: [UInt8]) -> Int {
    var rows = [[Int]](repeating: [Int](repeating: 0, count: other.count + 1), count: one.count + 1)
    for row in 0...one.count {
      for column in 0...other.count {
        guard row > 0, column > 0 else {
          rows[row][column] = row + column
          continue
        }
        let isSame = one[row - 1] == other[column - 1]
        var least = min(rows[row - 1][column], rows[row][column - 1]) + 1
        least = min(least, rows[row - 1][column - 1] + (isSame ? 0 : 1))
        if row > 1, column > 1, one[row - 1] == other[column - 2], one[row - 2] == other[column - 1] {
          least = min(least, rows[row - 2][column - 2] + 1)
        }
        rows[row][column] = least
      }
    }
    return rows[one.count][other.count]
  }
}
