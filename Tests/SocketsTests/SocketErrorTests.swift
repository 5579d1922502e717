import Glibc
import Sockets
import SystemPackage
import Testing

@Suite struct SocketErrorTests {
  @Test func anErrorSaysWhichCallFailedAndWhy() {
    #expect(SocketError(.bind, .addressInUse).description == "bind: Address already in use")
    #expect(SocketError(.accept4, .tooManyOpenFiles).description == "accept4: Too many open files")
    #expect(SocketError(.connect, .networkUnreachable).description == "connect: Network is unreachable")
  }

  @Test func aPlaceThatCannotBeHadIsNamed() throws {
    let address = try #require(SocketAddress("[::1]:80"))
    let udp = BindError(address: address, transport: .udp, cause: SocketError(.bind, .addressInUse))
    #expect(udp.description == "cannot listen on UDP [::1]:80: Address already in use")
    let tcp = BindError(address: address, transport: .tcp, cause: SocketError(.bind, .permissionDenied))
    #expect(tcp.description == "cannot listen on TCP [::1]:80: Permission denied")
  }

  @Test func whatToTryAgainAndWhatIsExhaustedAreTold() {
    #expect(SocketError(.send, .wouldBlock).isWouldBlock)
    #expect(SocketError(.send, .resourceTemporarilyUnavailable).isWouldBlock)
    #expect(!SocketError(.send, .noBufferSpace).isWouldBlock)
    #expect(SocketError(.socket, .tooManyOpenFiles).isOutOfDescriptors)
    #expect(SocketError(.accept4, .tooManyOpenFilesInSystem).isOutOfDescriptors)
    #expect(!SocketError(.accept4, .noMemory).isOutOfDescriptors)
  }

  @Test func anInterruptedCallIsMadeAgainAndAFailedOneIsNot() throws {
    var calls = 0
    let value = try systemCall(.read) { () -> Int in
      calls += 1
      return calls < 3 ? failing(EINTR) : 7
    }
    #expect(value == 7 && calls == 3)
    calls = 0
    #expect(throws: SocketError(.read, .ioError)) {
      try systemCall(.read) { () -> Int in
        calls += 1
        return failing(EIO)
      }
    }
    #expect(calls == 1)
  }

  private func failing(_ code: Int32) -> Int {
    errno = code
    return -1
  }
}
