@testable import HTTPServer
import Sockets
import Testing

@Suite struct UnfinishedHeadsTests {
  func connection() -> HTTPConnection {
    HTTPConnection(descriptor: -1, peer: SocketAddress("127.0.0.1:1")!, refusal: nil, deadline: .now())
  }

  func begin(_ connection: HTTPConnection, in heads: inout UnfinishedHeads) {
    connection.phase = .target("/", at: 0..<1)
    heads.begin(connection)
  }

  @Test func headsThatComeWholeLeaveNothingBehind() {
    var heads = UnfinishedHeads()
    let connections = (0..<1000).map { _ in connection() }
    for connection in connections {
      begin(connection, in: &heads)
      #expect(heads.all().map(ObjectIdentifier.init) == [ObjectIdentifier(connection)])
      connection.phase = .sending
      #expect(heads.all().isEmpty)
    }
    #expect(heads.count == 1)
  }

  @Test func headsThatComeInPiecesAreAllKnownAndForgottenWhenTheyEnd() {
    var heads = UnfinishedHeads()
    let slow = (0..<500).map { _ in connection() }
    for connection in slow { begin(connection, in: &heads) }
    #expect(heads.all().map(ObjectIdentifier.init) == slow.map(ObjectIdentifier.init))
    for connection in slow[1...] { connection.isClosed = true }
    for _ in 0..<1000 {
      let other = connection()
      begin(other, in: &heads)
      #expect(heads.all().count == 2)
      other.phase = .sending
    }
    #expect(heads.count == 2)
  }

  @Test func whatHasEndedIsForgottenWithoutBeingAskedFor() {
    var heads = UnfinishedHeads()
    for _ in 0..<10_000 {
      let slow = connection()
      begin(slow, in: &heads)
      begin(connection(), in: &heads)
      slow.phase = .sending
    }
    #expect(heads.count > 1000, "half of them have not ended")
    for _ in 0..<100_000 {
      let slow = connection()
      begin(slow, in: &heads)
      begin(slow, in: &heads)
      slow.phase = .sending
    }
    #expect(heads.count < 11_000)
  }
}
