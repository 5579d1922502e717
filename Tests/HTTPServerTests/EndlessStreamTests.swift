import Basics
import Foundation
import HTTPServer
import TestSupport
import Testing

extension RealServer {
  /// Answers that go on until somebody ends them.
  @Suite struct EndlessStreamTests {
    private typealias Record = StreamTests.Record

    /// An answer that goes on until its task is cancelled, or for ever where nobody reads it.
    private static func endless(of size: Int, noting record: Record = Record()) -> HTTPResponse {
      var response = HTTPResponse(
        status: 200,
        body: .stream { writer in
          while !Task.isCancelled {
            try await writer.write([UInt8](repeating: 1, count: size))
            record.add(size)
            try? await Task.sleep(nanoseconds: 100_000)
          }
          record.end("cancelled")
        })
      response.isEndless = true
      return response
    }

    @Test func aDrainDoesNotWaitForAReaderThatDoesNotRead() async throws {
      let record = Record()
      try await DrainTests.starting { _ in
        Self.endless(of: 16 << 10, noting: record)
      } _: { server in
        let client = try server.connect(receiveBuffer: 4096)
        client.send(StreamTests.get)
        var last = -1
        while last != record.written || last == 0 {  // Until it has stopped for a while.
          last = record.written
          try await Task.sleep(nanoseconds: 200_000_000)
        }
        let begin = MonotonicTime.now()
        await server.server.drain()
        // Less than an answer with an end is given to be read.
        #expect(MonotonicTime.now() - begin < .seconds(Limits.drainSending.seconds - 1))
        await server.server.stop()
        withExtendedLifetime(client) {}
      }
    }

    @Test func aReaderSeesTheProperEndAtADrain() async throws {
      let record = Record()
      try await DrainTests.starting { _ in
        Self.endless(of: 100, noting: record)
      } _: { server in
        let client = try server.connect()
        client.send(StreamTests.get)
        #expect(try client.head().status == 200)
        #expect(try client.chunk()?.isEmpty == false)
        let drain = DrainTests.Drain(server)
        while try client.chunk() != nil {}
        await drain.wait()
        #expect(record.end == "cancelled")
        await server.server.stop()
      }
    }

    @Test func lessOfItWaitsForASlowReaderThanOfOneWithAnEnd() async throws {
      let written = [Record(), Record()]
      try await serving { request in
        let size = 4 << 10
        if request.head.path == "/endless" { return Self.endless(of: size, noting: written[0]) }
        return StreamTests.stream(1 << 16, of: size, noting: written[1])
      } _: { server in
        let clients = try ["/endless", "/long"].map { path in
          let client = try server.connect(receiveBuffer: 4096)
          client.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
          return client
        }
        var last = [-1, -1]
        while last != written.map(\.written) || last.contains(0) {
          last = written.map(\.written)
          try await Task.sleep(nanoseconds: 300_000_000)
        }
        // The kernel takes as much of each; the rest is ours.
        let difference = Limits.streamBuffer - Limits.endlessStreamBuffer
        #expect(last[1] - last[0] > difference / 2, "\(last)")
        for client in clients { client.reset() }
      }
    }

    @Test func aWriterIsToldThatItsClientSendsNothingMore() async throws {
      let record = Record()
      try await serving { _ in
        HTTPResponse(
          status: 200,
          body: .stream { writer in
            try await writer.write([1])
            while !writer.clientHasEnded {
              record.add(1)
              try await Task.sleep(nanoseconds: 1_000_000)
            }
            try await writer.write([2])
          })
      } _: { server in
        let client = try server.connect()
        client.send(StreamTests.get)
        #expect(try client.head().status == 200)
        #expect(try client.chunk() == [1])
        #expect(await eventually { record.written > 3 }, "it has not ended yet")
        client.endSending()
        #expect(try client.chunk() == [2])
        #expect(try client.chunk() == nil)
      }
    }
  }
}
