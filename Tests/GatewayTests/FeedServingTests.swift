import Basics
import Foundation
import Sockets
import TestSupport
import Testing

@testable import Gateway

/// Feeds of a whole gateway in this process.
@Suite struct FeedServingTests {
  private func serving(
    _ change: (inout GatewayConfiguration) -> Void = { _ in }, _ body: (Gateway) async throws -> Void
  ) async throws {
    var configuration = GatewayConfiguration()
    configuration.http = [SocketAddress("127.0.0.1:0")!]
    configuration.udp = [SocketAddress("127.0.0.1:0")!]
    configuration.loops = 2
    change(&configuration)
    let gateway = try await Gateway.start(configuration)
    try await body(gateway)
    await gateway.stop()
  }

  private func feed(of gateway: Gateway) throws -> TCPConnection {
    let connection = try TCPConnection(to: gateway.httpAddresses[0], timeout: .seconds(20))
    let request = "GET /api/datagrams HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
    try connection.send(Array(request.utf8))
    return connection
  }

  /// Reads until the text holds something so many times.
  private func read(_ connection: borrowing TCPConnection, until part: String, times: Int) throws -> String {
    var text = ""
    while text.components(separatedBy: part).count <= times {
      let piece = try connection.receive(upTo: 65_536)
      try #require(!piece.isEmpty, "it ended after \(text)")
      text += String(decoding: piece, as: UTF8.self)
    }
    return text
  }

  @Test func aSilentFeedSaysNowAndThenThatItIsStillThere() async throws {
    try await serving {
      $0.feedKeepAlive = .milliseconds(60)
    } _: { gateway in
      let connection = try feed(of: gateway)
      let began = MonotonicTime.now()
      let text = try read(connection, until: ": still here\n\n", times: 3)
      #expect(text.contains(": yodel\n\n") && !text.contains("event:"))
      #expect(MonotonicTime.now() - began >= .milliseconds(170))
    }
  }

  @Test func whatComesIsToldOnFeedsOfEveryLoop() async throws {
    try await serving { gateway in
      let connections = try (0..<6).map { _ in Shared(try feed(of: gateway)) }
      for connection in connections { _ = try read(connection.value, until: ": yodel\n\n", times: 1) }
      let client = try PlainSocket(at: "127.0.0.1:0")
      for number in 0..<10 { client.send(Array("number \(number)".utf8), to: gateway.udpAddresses[0]) }
      for connection in connections {
        let text = try read(connection.value, until: "event: datagram\n", times: 10)
        #expect(text.contains("\"source\":{\"address\":\"127.0.0.1\",\"port\":\(client.address.port)}"))
      }
    }
  }

  /// A connection that can stand in a list.
  private final class Shared {
    let value: TCPConnection

    init(_ value: consuming TCPConnection) {
      self.value = value
    }
  }
}
