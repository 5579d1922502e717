import Basics
import Glibc
import Sockets
import TestSupport
import Testing

/// Descriptors are counted in a process of their own: other tests open and close theirs beside this one.
@Suite struct DescriptorTests {
  @Test func whatIsMadeIsClosedAgain() async {
    await #expect(processExitsWith: .success) {
      let loopback = SocketAddress("127.0.0.1:0")!
      // The first round opens whatever the process opens once.
      for round in 0..<2 {
        let before = openDescriptors()
        for _ in 0..<100 { try makeAndForget(at: loopback) }
        if round > 0 { precondition(openDescriptors() == before, "\(openDescriptors()) instead of \(before)") }
      }
    }
  }

  @Test func whatFailsHalfwayIsClosedToo() async {
    await #expect(processExitsWith: .success) {
      let holder = try UDPSocket.bound(to: quietAddress("127.0.0.1"))
      let taken = try holder.localAddress()
      // Bound and not listening: nobody else can listen there meanwhile.
      let deaf = try PlainSocket(SOCK_STREAM, at: "127.0.0.1:0")
      let foreign = SocketAddress("203.0.113.77:0")!
      for round in 0..<2 {
        let before = openDescriptors()
        for _ in 0..<100 {
          precondition(error { _ = try UDPSocket.bound(to: taken) } != nil)
          precondition(error { _ = try UDPSocket.connected(to: SocketAddress("255.255.255.255:9")!) } != nil)
          precondition(error { _ = try TCPListener(on: foreign) } != nil)
          precondition(error { _ = try TCPConnection(to: deaf.address, timeout: .seconds(10)) } != nil)
        }
        if round > 0 { precondition(openDescriptors() == before, "\(openDescriptors()) instead of \(before)") }
      }
      _ = try holder.localAddress()
    }
  }

  @Test func aReleasedDescriptorStaysOpenAndIsItsNewOwnersToClose() throws {
    var pair: [Int32] = [0, 0]
    try #require(pipe(&pair) == 0)
    let number = Descriptor(owning: pair[0]).release()
    #expect(fcntl(number, F_GETFD) >= 0)
    close(number)
    close(pair[1])
  }
}

private func makeAndForget(at loopback: SocketAddress) throws {
  let bound = try UDPSocket.bound(to: loopback)
  _ = try UDPSocket.bound(to: bound.localAddress(), sharing: .joining)
  _ = try UDPSocket.connected(to: bound.localAddress())
  let listener = try TCPListener(on: loopback)
  let client = try TCPConnection(to: listener.localAddress(), timeout: .seconds(10))
  readiness(of: listener.descriptor, POLLIN)
  let isAccepted = try listener.accept() != nil
  precondition(isAccepted)
  try client.send([1])
}

/// How many descriptors the process has, that of the listing not counted.
private func openDescriptors() -> Int {
  guard let directory = opendir("/proc/self/fd") else { return -1 }
  defer { closedir(directory) }
  var count = 0
  while readdir(directory) != nil { count += 1 }
  return count
}
