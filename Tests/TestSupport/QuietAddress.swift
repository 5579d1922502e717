import Basics
import Foundation
package import Sockets

/// An address where nothing is, outside the range that port 0 is served from (ip(7), ip_local_port_range): no test
/// beside this one is given it, meanwhile or later.
///
/// The kernel's tables say what is free (proc(5)). A socket bound to find out would be copied into a process that
/// another test starts just then, and hold the port there until that process is on its way.
package func quietAddress(_ host: String) throws -> SocketAddress {
  let tables = ["tcp", "tcp6", "udp", "udp6"].map { "/proc/net/" + $0 }
  // Those of IPv6 are missing where it is.
  let taken = try Set(tables.filter(FileManager.default.fileExists).flatMap(localPorts))
  let port = quietPorts.withLock { quietPorts in
    let port = (20_000..<32_000).filter { !taken.contains($0) && !quietPorts.contains($0) }.randomElement()!
    quietPorts.insert(port)
    return port
  }
  return SocketAddress("\(host):\(port)")!
}

private let quietPorts = Locked<Set<UInt16>>([])

/// The ports of a table of sockets.
private func localPorts(in table: String) throws -> [UInt16] {
  try String(contentsOfFile: table, encoding: .utf8).split(separator: "\n").dropFirst().map { line in
    // The second of its words is the local address, "0100007F:1F90".
    UInt16(line.split(separator: " ")[1].split(separator: ":")[1], radix: 16)!
  }
}
