import Basics
public import Sockets

/// Whom the echo server answers: a value without a socket.
public struct SourceFilter: Sendable {
  /// Where the server itself listens.
  private let own: [SocketAddress]
  /// The machine's addresses: on a wildcard address the server is at each of them.
  private let interfaces: Set<IPAddress>
  /// The broadcast addresses of the machine's networks, as numbers that ascend: a machine has few, and searching them
  /// costs a third of what a hash does.
  private let broadcasts: [UInt32]

  /// A filter for a server that listens on `own`.
  public init(own: [SocketAddress], interfaces: Set<IPAddress>, broadcasts: Set<IPAddress>) {
    self.own = own
    self.interfaces = interfaces
    self.broadcasts = broadcasts.compactMap { if case .v4(let address) = $0 { address.bits } else { nil } }.sorted()
  }

  /// The lowest port that is answered (RFC 6335 section 6: those below are the system's).
  static let lowestSourcePort: UInt16 = 1024

  /// Why a datagram is not answered; nil where it is.
  ///
  /// - Parameters:
  ///   - destination: where it was sent to, if the socket tells.
  ///   - hopLimit: how many more hops it could have gone, if the socket tells.
  @inline(__always)
  public func refusal(source: SocketAddress, destination: IPAddress?, hopLimit: Int? = nil) -> DropReason? {
    if source.port < Self.lowestSourcePort { return .lowSourcePort }
    if isForMany(source.ip) || source.ip.isUnspecified || source.ip.isReserved { return .badSource }
    if let destination, isForMany(destination) { return .badDestination }
    if isOwn(source) || isAnswer(source, hopLimit) { return .ownAddress }
    return nil
  }

  private func isForMany(_ ip: IPAddress) -> Bool {
    ip.isMulticast || ip.isLimitedBroadcast || isBroadcast(ip)
  }

  private func isBroadcast(_ ip: IPAddress) -> Bool {
    guard case .v4(let address) = ip else { return false }  // IPv6 has none.
    var (low, high) = (0, broadcasts.count)
    while low < high {
      let middle = (low + high) / 2
      if broadcasts[middle] < address.bits { low = middle + 1 } else { high = middle }
    }
    return low < broadcasts.count && broadcasts[low] == address.bits
  }

  /// Whether the rate bounds what comes from an address: the public ones, but for the machine's own, which are as near
  /// as loopback is (the kernel takes none of them from outside).
  public func isBounded(_ ip: IPAddress) -> Bool {
    ip.isPublic && !interfaces.contains(ip)
  }

  /// Whether a datagram is another echo server's answer to one that claimed to come from here.
  ///
  /// An answer leaves with a hop limit that nothing else does. That is not so sure of what came 17 hops, over the
  /// Internet; there the rate bounds what goes round.
  private func isAnswer(_ source: SocketAddress, _ hopLimit: Int?) -> Bool {
    hopLimit.map(Limits.echoHopLimits.contains) ?? false && !isBounded(source.ip)
  }

  private func isOwn(_ source: SocketAddress) -> Bool {
    own.contains { address in
      guard address.port == source.port else { return false }
      return address.ip == source.ip
        || (address.ip.isUnspecified && (source.ip.isLoopback || interfaces.contains(source.ip)))
    }
  }
}
