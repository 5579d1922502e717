import Basics
import Foundation
import Sockets
import Synchronization

/// A UDP server on a plain socket and a thread of its own, which owes nothing to the code that it tests: what arrives
/// is noted, what goes back is the test's choice.
final class Peer: Sendable {
  /// A datagram and where it came from.
  struct Datagram: Sendable {
    var bytes: [UInt8]
    var source: SocketAddress

    var text: String { String(decoding: bytes, as: UTF8.self) }
  }

  /// What goes back for a datagram, at once and in this order.
  typealias Answer = @Sendable (Datagram) -> [[UInt8]]

  let address: SocketAddress
  private let descriptor: Int32
  private let noted = Locked<[Datagram]>([])
  private let answer: Locked<Answer>
  private let isClosing = Atomic(false)
  private let ended = DispatchSemaphore(value: 0)

  init(at address: String = "127.0.0.1:0", answer: @escaping Answer = { _ in [] }) {
    let (descriptor, bound) = PlainSocket.bound(to: SocketAddress(address)!)
    self.descriptor = descriptor
    self.address = bound
    self.answer = Locked(answer)
    Thread.detachNewThread { self.serve() }
  }

  /// A peer that sends everything back.
  static func echoing(at address: String = "127.0.0.1:0") -> Peer {
    Peer(at: address) { [$0.bytes] }
  }

  /// What has arrived, in order.
  var received: [Datagram] { noted.withLock { $0 } }

  func setAnswer(_ new: @escaping Answer) {
    answer.withLock { $0 = new }
  }

  func send(_ bytes: [UInt8], to destination: SocketAddress) {
    PlainSocket.send(bytes, from: descriptor, to: destination)
  }

  func send(_ text: String, to destination: SocketAddress) {
    send(Array(text.utf8), to: destination)
  }

  /// Ends the thread and closes the socket.
  func close() {
    isClosing.store(true, ordering: .relaxed)
    ended.wait()
    Glibc.close(descriptor)
  }

  private func serve() {
    while !isClosing.load(ordering: .relaxed) {
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&entry, 1, 10) > 0, let datagram = PlainSocket.receive(on: descriptor) else { continue }
      noted.withLock { $0.append(datagram) }
      let answer = answer.withLock { $0 }
      for bytes in answer(datagram) { send(bytes, to: datagram.source) }
    }
    ended.signal()
  }
}

/// The few system calls of a UDP server, without the module under test.
enum PlainSocket {
  static func bound(to address: SocketAddress) -> (descriptor: Int32, address: SocketAddress) {
    let family = address.ip.version == 4 ? AF_INET : AF_INET6
    let descriptor = socket(family, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var size: Int32 = 4 << 20
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    let status = address.withSockaddr { bind(descriptor, $0, $1) }
    precondition(status == 0, "cannot bind \(address): \(String(cString: strerror(errno)))")
    return (descriptor, local(of: descriptor)!)
  }

  static func local(of descriptor: Int32) -> SocketAddress? {
    name { getsockname(descriptor, $0, $1) }
  }

  static func remote(of descriptor: Int32) -> SocketAddress? {
    name { getpeername(descriptor, $0, $1) }
  }

  private static func name(
    _ call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
  ) -> SocketAddress? {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let status = withUnsafeMutablePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, &length) }
    }
    guard status == 0 else { return nil }
    return withUnsafeBytes(of: &storage) { SocketAddress(sockaddr: $0) }
  }

  static func send(_ bytes: [UInt8], from descriptor: Int32, to destination: SocketAddress) {
    let sent = bytes.withUnsafeBytes { buffer in
      destination.withSockaddr { sendto(descriptor, buffer.baseAddress, buffer.count, 0, $0, $1) }
    }
    precondition(sent == bytes.count, "sendto \(destination): \(String(cString: strerror(errno)))")
  }

  static func receive(on descriptor: Int32) -> Peer.Datagram? {
    var buffer = [UInt8](repeating: 0, count: 1 << 17)
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let count = withUnsafeMutablePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        buffer.withUnsafeMutableBytes {
          recvfrom(descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT), address, &length)
        }
      }
    }
    guard count >= 0, let source = withUnsafeBytes(of: &storage, { SocketAddress(sockaddr: $0) }) else { return nil }
    return Peer.Datagram(bytes: Array(buffer[..<count]), source: source)
  }

  /// How many descriptors of this process are connected to `address`, by the kernel's word.
  static func count(connectedTo address: SocketAddress) -> Int {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    return entries.compactMap { Int32($0) }.count { remote(of: $0) == address }
  }

  static let hasIPv6 = {
    let descriptor = socket(AF_INET6, Int32(SOCK_DGRAM.rawValue), 0)
    defer { close(descriptor) }
    return SocketAddress("[::1]:0")!.withSockaddr { bind(descriptor, $0, $1) } == 0
  }()
}
