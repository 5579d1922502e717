import Glibc

/// An IP address of either version. An IPv4 address mapped into IPv6 (RFC 4291 section 2.5.5.2) is IPv4 here from
/// the moment it is made, so that no rule about addresses can be met twice or missed.
public enum IPAddress: Hashable, Sendable {
  /// An IPv4 address.
  case v4(IPv4Address)
  /// An IPv6 address that is not a mapped IPv4 one.
  case v6(IPv6Address)
}

/// An IPv4 address.
public struct IPv4Address: Hashable, Sendable {
  /// The address as a number, `127.0.0.1` being 0x7F00_0001.
  public var bits: UInt32

  /// An address by its number.
  public init(bits: UInt32) {
    self.bits = bits
  }
}

extension IPv4Address: CustomStringConvertible {
  /// A dotted quad.
  public var description: String {
    String(unsafeUninitializedCapacity: Self.longestText) { write(to: $0.baseAddress!) }
  }

  /// How many bytes a dotted quad has at most.
  public static let longestText = 15

  /// Writes a dotted quad, and says how many bytes that were. By hand, since it stands in every answer: interpolation
  /// costs four allocations.
  public func write(to text: UnsafeMutablePointer<UInt8>) -> Int {
    var end = text
    var shift: UInt32 = 32
    while shift > 0 {
      shift -= 8
      let byte = UInt8(truncatingIfNeeded: bits >> shift)
      if byte >= 100 { append(UInt8(ascii: "0") + byte / 100) }
      if byte >= 10 { append(UInt8(ascii: "0") + byte / 10 % 10) }
      append(UInt8(ascii: "0") + byte % 10)
      if shift > 0 { append(UInt8(ascii: ".")) }
    }
    return end - text

    func append(_ byte: UInt8) {
      end.pointee = byte
      end += 1
    }
  }
}

/// An IPv6 address, with the interface where its scope needs one (RFC 4007).
public struct IPv6Address: Hashable, Sendable {
  /// The first eight bytes as a number.
  public var high: UInt64
  /// The last eight bytes as a number.
  public var low: UInt64
  /// The interface's index; 0 where none is given.
  public var scope: UInt32

  /// An address by its two halves.
  public init(high: UInt64, low: UInt64, scope: UInt32 = 0) {
    self.high = high
    self.low = low
    self.scope = scope
  }
}

extension IPAddress {
  /// An IPv6 address, or the IPv4 address that is mapped into it.
  public init(_ address: IPv6Address) {
    if address.high == 0, address.low >> 32 == 0xFFFF {
      self = .v4(IPv4Address(bits: UInt32(truncatingIfNeeded: address.low)))
    } else {
      self = .v6(address)
    }
  }

  /// The version's number, 4 or 6.
  public var version: Int {
    switch self {
    case .v4: 4
    case .v6: 6
    }
  }

  /// 127.0.0.0/8 (RFC 1122) or ::1 (RFC 4291).
  public var isLoopback: Bool {
    switch self {
    case .v4(let address): address.bits >> 24 == 127
    case .v6(let address): address.high == 0 && address.low == 1
    }
  }

  /// 0.0.0.0 or ::, which as a place to bind to means every address.
  public var isUnspecified: Bool {
    switch self {
    case .v4(let address): address.bits == 0
    case .v6(let address): address.high == 0 && address.low == 0
    }
  }

  /// 224.0.0.0/4 (RFC 5771) or ff00::/8 (RFC 4291).
  public var isMulticast: Bool {
    switch self {
    case .v4(let address): address.bits >> 28 == 0xE
    case .v6(let address): address.high >> 56 == 0xFF
    }
  }

  /// 255.255.255.255 (RFC 919). A subnet's broadcast address looks like any other.
  public var isLimitedBroadcast: Bool {
    self == .v4(IPv4Address(bits: .max))
  }

  /// 169.254.0.0/16 (RFC 3927) or fe80::/10 (RFC 4291).
  public var isLinkLocal: Bool {
    switch self {
    case .v4(let address): address.bits >> 16 == 0xA9FE
    case .v6(let address): address.high >> 54 == 0xFE80 >> 6
    }
  }

  /// 0.0.0.0/8 but for 0.0.0.0 itself, 240.0.0.0/4 but for broadcast (RFC 1122, RFC 1112), and IPv6 addresses that are
  /// "compatible" with IPv4, ::/96 but for :: and ::1 (RFC 4291 section 2.5.5.1): nobody's.
  public var isReserved: Bool {
    switch self {
    case .v4(let address):
      (address.bits >> 24 == 0 || address.bits >> 28 == 0xF) && !isUnspecified && !isLimitedBroadcast
    case .v6(let address): address.high == 0 && address.low >> 32 == 0 && address.low > 1
    }
  }
}

extension IPAddress: CustomStringConvertible, LosslessStringConvertible {
  /// Reads an address as inet_pton(3) does: dotted quad, or IPv6 without brackets, with an optional `%interface`, whose
  /// name the kernel is asked for (if_nametoindex(3)).
  public init?(_ text: String) {
    self.init(text) { if_nametoindex($0) }
  }

  /// The same, where `interface` says which index a name has, 0 for none: what strangers write asks the kernel nothing.
  public init?(_ text: String, interface: (String) -> UInt32) {
    // C would read what stands before a NUL and take it for all.
    guard !text.utf8.contains(0) else { return nil }
    var v4 = in_addr()
    if inet_pton(AF_INET, text, &v4) == 1 {
      self = .v4(IPv4Address(v4))
      return
    }
    let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
    var v6 = in6_addr()
    guard let literal = parts.first, inet_pton(AF_INET6, String(literal), &v6) == 1 else { return nil }
    var address = IPv6Address(v6)
    if parts.count == 2 {
      let index = interface(String(parts[1]))
      address.scope = index != 0 ? index : UInt32(parts[1]) ?? 0
      guard address.scope != 0 else { return nil }
    }
    self.init(address)
  }

  /// The address as inet_ntop(3) writes it (RFC 5952), `fe80::1%eth0` with its interface.
  public var description: String {
    switch self {
    case .v4(let address): return address.description
    case .v6(let address):
      var raw = in6_addr(address)
      let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { buffer in
        String(cString: inet_ntop(AF_INET6, &raw, buffer.baseAddress!, socklen_t(buffer.count)))
      }
      return address.scope == 0 ? text : text + "%" + Self.interfaceName(address.scope)
    }
  }

  private static func interfaceName(_ index: UInt32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(IF_NAMESIZE)) { buffer in
      if_indextoname(index, buffer.baseAddress!).map { String(cString: $0) } ?? String(index)
    }
  }
}

// MARK: - The kernel's form

extension IPv4Address {
  init(_ address: in_addr) {
    self.init(bits: UInt32(bigEndian: address.s_addr))
  }
}

extension in_addr {
  init(_ address: IPv4Address) {
    self.init(s_addr: address.bits.bigEndian)
  }
}

extension IPv6Address {
  init(_ address: in6_addr, scope: UInt32 = 0) {
    self = withUnsafeBytes(of: address) {
      IPv6Address(
        high: UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)),
        low: UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
        scope: scope)
    }
  }
}

extension in6_addr {
  init(_ address: IPv6Address) {
    self.init()
    withUnsafeMutableBytes(of: &self) {
      $0.storeBytes(of: address.high.bigEndian, as: UInt64.self)
      $0.storeBytes(of: address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }
  }
}
