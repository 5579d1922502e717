import CMicroHTTPD
import Glibc

/// Whether the lines of a head ended as lines end, which the list of its fields does not tell.
///
/// Before 1.0 libmicrohttpd takes a bare line feed for an end of line, cuts at NUL and unfolds, all without a word. But
/// it reads in place: it puts NUL where a colon, a CR or an LF stood, and gives pointers into its own memory. Between
/// the end of a value and the next name are then exactly the two bytes that were CRLF; anything else, and the distance
/// is another one. That is a comparison of addresses; only the last four bytes of the head are read, which must be NUL.
///
/// What leaves the same memory behind is not seen: NUL and LF in place of CR and LF, and a few such forms of the head's
/// end, all with a NUL or a colon where none belongs.
struct HeadLayout {
  /// Whether the library that runs reads in place; from 1.0 on it refuses these forms by itself.
  static let isNeeded = cmhd_is_before_1_0()

  /// Where the request line begins.
  let start: UInt
  /// Where the next name must stand.
  private var next: UInt
  private var isExact: Bool

  /// Begins with the request line: method, target and version, one space apart.
  init(method: UnsafePointer<CChar>, target: Range<UInt>, version: UnsafePointer<CChar>) {
    start = UInt(bitPattern: method)
    isExact =
      start + UInt(strlen(method)) + 1 == target.lowerBound && target.upperBound + 1 == UInt(bitPattern: version)
    next = UInt(bitPattern: version) + UInt(strlen(version)) + Self.lineEnd
  }

  /// Goes on with the next field of the list.
  mutating func note(_ field: PackedFields.Entry) {
    isExact = isExact && UInt(bitPattern: field.name.baseAddress) == next
    next = UInt(bitPattern: field.value.baseAddress) + UInt(field.value.count) + Self.lineEnd
  }

  /// Whether all lines of a head of `size` bytes, with the blank one at its end, were what the list says.
  func isExact(size: Int) -> Bool {
    let end = start + UInt(size)
    guard isExact, end == next + Self.lineEnd else { return false }
    let ends = UnsafeRawPointer(bitPattern: end - 2 * Self.lineEnd)!
    return ends.loadUnaligned(as: UInt32.self) == 0
  }

  private static let lineEnd: UInt = 2
}

/// Where the requests of a connection begin in libmicrohttpd's memory, which is the same place for all of them.
///
/// Before 1.0 it skips any number of lines before a request that are blank, or that begin with NUL and only look so.
struct HeadOrigin {
  /// Before the first request, how far behind the origin that begins.
  private var place: UInt
  private var isKnown = false
  /// The origin is the first place that a request began at, or one before it.
  private let isGuessed: Bool

  /// - Parameter offset: how many bytes stand before the first request, which its ``Opening`` told; nil where it could
  ///   not, and any number is taken.
  init(firstBehind offset: UInt?) {
    place = offset ?? 0
    isGuessed = offset == nil
  }

  /// Whether a request begins there, or one blank line later (RFC 9112 section 2.2).
  mutating func isAcceptable(_ start: UInt) -> Bool {
    if isKnown {
      if isGuessed { place = min(place, start) }
      return start == place || start == place + 2
    }
    isKnown = true
    place = start - place
    return true
  }
}
