import Glibc

/// Turns a host into addresses by getaddrinfo(3). It blocks, so it runs before the loops do.
public enum Resolver {
  /// A host that has no address.
  public struct Failure: Error, CustomStringConvertible {
    /// What was asked for.
    public var host: String
    /// gai_strerror(3)'s words.
    public var reason: String

    public var description: String { "'\(host)' has no address: \(reason)" }
  }

  /// The addresses of a host, in the order in which RFC 6724 prefers them; at least one.
  ///
  /// - Throws: ``Failure`` where the name is unknown, has no address, or nobody could be asked.
  public static func resolve(_ target: HostPort) throws(Failure) -> [SocketAddress] {
    if let ip = IPAddress(target.host) { return [SocketAddress(ip, port: target.port)] }
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
    hints.ai_family = AF_UNSPEC
    var list: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(target.host, nil, &hints, &list)
    guard status == 0 else {
      throw Failure(host: target.host, reason: String(cString: gai_strerror(status)))
    }
    defer { freeaddrinfo(list) }
    let addresses = sequence(first: list!, next: { $0.pointee.ai_next }).compactMap { entry in
      let raw = UnsafeRawBufferPointer(start: entry.pointee.ai_addr, count: Int(entry.pointee.ai_addrlen))
      return SocketAddress(sockaddr: raw).map { SocketAddress($0.ip, port: target.port) }
    }
    guard !addresses.isEmpty else { throw Failure(host: target.host, reason: "it has addresses, but none of IP") }
    return addresses
  }
}
