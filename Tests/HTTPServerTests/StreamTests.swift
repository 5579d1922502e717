import Basics
import Foundation
import HTTPServer
import TestSupport
import Testing

extension RealServer {
  /// Answers whose bytes come with time.
  @Suite struct StreamTests {
    static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    /// What a producer did, for the test to see.
    final class Record: Sendable {
      private let state = Locked((written: 0, end: nil as String?))

      var written: Int { state.withLock { $0.written } }
      var end: String? { state.withLock { $0.end } }

      func add(_ bytes: Int) { state.withLock { $0.written += bytes } }
      func end(_ how: String) { state.withLock { $0.end = how } }
    }

    /// An answer of `count` pieces of `size` bytes; piece n is made of the byte n.
    static func stream(_ count: Int, of size: Int, noting record: Record = Record()) -> HTTPResponse {
      HTTPResponse(
        status: 200,
        body: .stream { writer in
          do {
            for number in 0..<count {
              try await writer.write([UInt8](repeating: UInt8(truncatingIfNeeded: number), count: size))
              record.add(size)
            }
            record.end("complete")
          } catch {
            record.end("\(type(of: error))")
            throw error
          }
        })
    }

    static func expected(_ count: Int, of size: Int) -> [UInt8] {
      (0..<count).flatMap { [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: size) }
    }

    @Test(arguments: [(1024, 1024), (7, 150_001), (1, 1 << 20), (20_000, 53)])
    func aMegabyteInPiecesArrivesInOrder(count: Int, size: Int) async throws {
      try await serving { _ in
        Self.stream(count, of: size)
      } _: { server in
        let client = try server.connect()
        let expected = Self.expected(count, of: size)
        for _ in 0..<2 {
          let answer = try client.exchange(Self.get)
          #expect(answer["Transfer-Encoding"] == "chunked")
          #expect(answer.body == expected)
        }
      }
    }

    @Test func anEmptyStreamIsAnEmptyBody() async throws {
      try await serving { _ in
        Self.stream(0, of: 0)
      } _: { server in
        let client = try server.connect()
        #expect(try client.exchange(Self.get).body == [])
        #expect(try client.exchange(Self.get).body == [])
      }
    }

    @Test func anEmptyPieceDoesNotEndTheStream() async throws {
      try await serving { _ in
        HTTPResponse(
          status: 200,
          body: .stream { writer in
            for text in ["", "a", "", "b", ""] { try await writer.write(Array(text.utf8)) }
          })
      } _: { server in
        let answer = try server.connect().exchange(Self.get)
        #expect(answer.text == "ab")
      }
    }

    @Test func eachPieceLeavesWhenItIsWritten() async throws {
      let gate = Gate()
      try await serving { _ in
        .stream(["one", "two", "three"], each: gate)
      } _: { server in
        let client = try server.connect()
        client.send(Self.get)
        #expect(try client.head().status == 200, "the head does not wait for the first piece")
        for name in ["one", "two", "three"] {
          #expect(await eventually { gate.waiting == [name] })
          gate.open(name)
          #expect(try client.chunk() == Array(name.utf8))
        }
        #expect(try client.chunk() == nil)
      }
    }

    @Test func anOldClientGetsTheStreamUntilTheConnectionEnds() async throws {
      try await serving { _ in
        Self.stream(100, of: 1000)
      } _: { server in
        let answer = try server.connect().exchange("GET / HTTP/1.0\r\n\r\n")
        #expect(answer["Transfer-Encoding"] == nil)
        #expect(answer.body == Self.expected(100, of: 1000))
      }
    }

    @Test func aReaderThatDoesNotReadMakesTheWriterWait() async throws {
      let record = Record()
      let (count, size) = (2048, 16 << 10)
      try await serving { _ in
        Self.stream(count, of: size, noting: record)
      } _: { server in
        let client = try server.connect(receiveBuffer: 64 << 10)
        client.send(Self.get)
        #expect(try client.head().status == 200)
        var last = -1
        while last != record.written {  // Until it has stopped for a while.
          last = record.written
          try await Task.sleep(nanoseconds: 200_000_000)
        }
        #expect(record.end == nil)
        // Our buffer, and the kernel's for both ends, which it doubles.
        #expect(record.written <= Limits.streamBuffer + size + 2 * Limits.sendBuffer + 2 * (64 << 10) + (512 << 10))
        var body: [UInt8] = []
        while let chunk = try client.chunk() { body += chunk }
        #expect(body == Self.expected(count, of: size))
        #expect(record.end == "complete")
      }
    }

    @Test func aLongStreamToASteadyReaderNeedsNoMoreMemoryThanAShortOne() async throws {
      // The producer is always ahead of the reader, so that the buffer is never quite empty.
      let (count, size) = (16 << 10, 12_345)
      try await serving { _ in
        Self.stream(count, of: size)
      } _: { server in
        let client = try server.connect()
        client.send(Self.get)
        #expect(try client.head().status == 200)
        var received = 0
        let before = Self.residentBytes()
        var highest = before
        while let chunk = try client.chunk() {
          received += chunk.count
          if received % 64 == 0 { highest = max(highest, Self.residentBytes()) }
        }
        #expect(received == count * size)
        #expect(max(highest, Self.residentBytes()) - before < 144 << 20, "of \(received >> 20) MiB")
      }
    }

    /// What the process has in memory, by the kernel's word.
    static func residentBytes() -> Int {
      let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ")
      return (pages.flatMap { Int($0[1]) } ?? 0) * sysconf(Int32(_SC_PAGESIZE))
    }

    // MARK: Ends

    @Test(arguments: [true, false]) func aReaderThatGoesEndsTheWriterWithClosed(goesByReset: Bool) async throws {
      let record = Record()
      try await serving { _ in
        Self.stream(1 << 20, of: 16 << 10, noting: record)
      } _: { server in
        let client = try server.connect()
        client.send(Self.get)
        #expect(try client.head().status == 200)
        #expect(try client.chunk() != nil)
        if goesByReset { client.reset() } else { client.close() }
        #expect(await eventually { record.end == "Closed" })
        #expect(await eventually { server.server.connections == 0 })
      }
    }

    @Test func aReaderThatIsResetEndsAWriterThatHasNothingToWrite() async throws {
      let record = Record()
      try await serving { _ in
        HTTPResponse(
          status: 200,
          body: .stream { writer in
            try await writer.write([1])
            record.add(1)
            do {
              try await Task.sleep(nanoseconds: 60_000_000_000)
            } catch {
              record.end("\(type(of: error))")
            }
          })
      } _: { server in
        let client = try server.connect()
        client.send(Self.get)
        #expect(try client.head().status == 200)
        #expect(try client.chunk() == [1])
        client.reset()
        #expect(await eventually { record.end == "CancellationError" })
        #expect(await eventually { server.server.connections == 0 })
      }
    }

    @Test func aProducerThatThrowsCutsTheAnswerVisibly() async throws {
      struct Failure: Error {}
      try await serving { _ in
        HTTPResponse(
          status: 200,
          body: .stream { writer in
            try await writer.write(Array("half".utf8))
            throw Failure()
          })
      } _: { server in
        let client = try server.connect()
        client.send(Self.get)
        #expect(try client.head().status == 200)
        var end: ClientError?
        do throws(ClientError) {
          while try client.chunk() != nil {}
        } catch {
          end = error
        }
        #expect(end == .ended || end == .reset, "there is no last chunk")
      }
    }

    @Test func aHeadDoesNotStartTheProducerAndHasNothingOfABody() async throws {
      let record = Record()
      try await serving { _ in
        Self.stream(10, of: 10, noting: record)
      } _: { server in
        for _ in 0..<3 {
          let client = try server.connect()
          client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
          client.endSending()
          #expect(try client.head().status == 200)
          #expect(try client.everything() == [], "the next answer on the connection would begin with this")
        }
        #expect(record.written == 0)
        #expect(record.end == nil)
      }
    }

    @Test func manyStreamsGoSideBySide() async throws {
      try await serving { _ in
        Self.stream(200, of: 1000)
      } _: { server in
        let clients = try (0..<30).map { _ in try server.connect() }
        for client in clients { client.send(Self.get) }
        let expected = Self.expected(200, of: 1000)
        for client in clients { #expect(try client.answer().body == expected) }
      }
    }
  }
}
