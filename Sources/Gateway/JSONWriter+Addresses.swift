import Basics
import FoundationEssentials
import Sockets

extension JSONWriter {
  /// An address as a member: IPv6 without brackets, mapped IPv4 as IPv4.
  mutating func address(_ name: StaticString, _ address: SocketAddress) {
    object(name) { $0.addressMembers(address) }
  }

  /// An address's members, for an object that has others too.
  mutating func addressMembers(_ address: SocketAddress) {
    switch address.ip {
    case .v4(let ip): member("address", upTo: IPv4Address.longestText) { ip.write(to: $0) }
    case .v6: member("address", address.ip.description)
    }
    member("port", address.port)
  }
}

/// The bytes in base64 (RFC 4648), padded.
func base64(_ bytes: [UInt8]) -> String {
  Data(bytes).base64EncodedString()
}
