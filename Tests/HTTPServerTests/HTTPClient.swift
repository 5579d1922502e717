import Foundation
import Sockets
import TestSupport

/// An answer as it stood on the wire.
struct Answer: Equatable {
  var status: Int
  var fields: [String: [String]]
  var body: [UInt8]

  var text: String { String(decoding: body, as: UTF8.self) }

  /// The one value of a field; nil where there is none, or more than one.
  subscript(name: String) -> String? {
    guard let values = fields[name.lowercased()], values.count == 1 else { return nil }
    return values[0]
  }
}

/// What a client can meet instead of an answer.
enum ClientError: Error, Equatable {
  /// The server ended the connection in the middle of an answer, or before it.
  case ended
  /// The server reset the connection.
  case reset
  /// Nothing came for as long as only a failure takes.
  case timedOut
  /// What came is no HTTP.
  case malformed(String)
  /// No connection was made.
  case refused
}

/// An HTTP client that blocks, on a plain socket: it sends the bytes that a test writes, and reads answers by RFC 9112.
///
/// It is for one thread at a time; see ``onOwnThreads(_:)``.
final class HTTPClient: @unchecked Sendable {
  private let descriptor: Int32
  private var isClosed = false
  private var pending: [UInt8] = []

  init(to address: SocketAddress, receiveBuffer: Int32? = nil) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    if var size = receiveBuffer {
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }
    var patience = timeval(tv_sec: 20, tv_usec: 0)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      setsockopt(descriptor, SOL_SOCKET, option, &patience, socklen_t(MemoryLayout<timeval>.size))
    }
    var on: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    guard address.withSockaddr({ connect(descriptor, $0, $1) }) == 0 else {
      isClosed = true
      Glibc.close(descriptor)
      throw ClientError.refused
    }
  }

  deinit {
    close()
  }

  /// The address that the client has; it is the server's peer.
  var local: SocketAddress { localAddress(of: descriptor) }

  // MARK: Sending and closing

  /// Sends all bytes; false where the server has closed meanwhile, whose answer may be there all the same.
  @discardableResult
  func send(_ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let sent = rest.withUnsafeBytes { rest in
        uninterrupted { Glibc.send(descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL)) }
      }
      if sent < 0 { return false }
      rest = rest.dropFirst(sent)
    }
    return true
  }

  @discardableResult
  func send(_ text: String) -> Bool { send(Array(text.utf8)) }

  /// Says that nothing more will be sent; the answer is still awaited.
  func endSending() {
    shutdown(descriptor, Int32(SHUT_WR))
  }

  func close() {
    guard !isClosed else { return }
    isClosed = true
    Glibc.close(descriptor)
  }

  /// Closes with a reset, as the end of a process that left data unread does.
  func reset() {
    var now = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    close()
  }

  // MARK: Reading

  /// Reads one answer.
  func answer(toHead: Bool = false) throws(ClientError) -> Answer {
    var answer = try head()
    if toHead || answer.status == 204 || answer.status == 304 || answer.status < 200 { return answer }
    if answer["Transfer-Encoding"] == "chunked" {
      while let chunk = try chunk() { answer.body += chunk }
    } else if let length = answer["Content-Length"].flatMap(Int.init) {
      answer.body = try bytes(length)
    } else {
      answer.body = try everything()
    }
    return answer
  }

  /// Sends a request and reads its answer.
  func exchange(_ request: String, toHead: Bool = false) throws(ClientError) -> Answer {
    send(request)
    return try answer(toHead: toHead)
  }

  /// Reads an answer's status line and fields.
  func head() throws(ClientError) -> Answer {
    let status = try line().split(separator: " ", maxSplits: 2)
    guard status.count >= 2, status[0] == "HTTP/1.1", let code = Int(status[1]) else {
      throw .malformed("status line \(status)")
    }
    var fields: [String: [String]] = [:]
    while true {
      let line = try line()
      if line.isEmpty { return Answer(status: code, fields: fields, body: []) }
      guard let colon = line.firstIndex(of: ":") else { throw .malformed("field \(line)") }
      let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
      fields[line[..<colon].lowercased(), default: []].append(value)
    }
  }

  /// Reads one chunk of a chunked body; nil is its proper end.
  func chunk() throws(ClientError) -> [UInt8]? {
    let size = try line()
    guard let count = Int(size, radix: 16) else { throw .malformed("chunk size \(size)") }
    let data = try bytes(count)
    guard try line().isEmpty else { throw .malformed("the end of a chunk") }
    return count == 0 ? nil : data
  }

  /// Reads exactly `count` bytes.
  func bytes(_ count: Int) throws(ClientError) -> [UInt8] {
    while pending.count < count {
      guard try fill() else { throw .ended }
    }
    defer { pending.removeFirst(count) }
    return Array(pending[..<count])
  }

  /// Reads until the server ends.
  func everything() throws(ClientError) -> [UInt8] {
    while try fill() {}
    defer { pending = [] }
    return pending
  }

  /// All that has come by now, without waiting, and whether the server has ended the connection.
  func arrived() -> (bytes: [UInt8], isEnded: Bool) {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT)) }
      if count < 0 && errno == EAGAIN { break }
      if count <= 0 { return (pending, true) }
      pending += buffer[..<count]
    }
    return (pending, false)
  }

  /// Whether the server has ended the connection and said nothing more; waits for it.
  func isEnded() throws(ClientError) -> Bool {
    do throws(ClientError) {
      return try everything().isEmpty
    } catch .reset {
      return pending.isEmpty
    }
  }

  private func line() throws(ClientError) -> String {
    var from = 0
    while true {
      if let end = pending[from...].firstIndex(of: UInt8(ascii: "\n")) {
        guard end > 0, pending[end - 1] == UInt8(ascii: "\r") else { throw .malformed("a bare line feed") }
        defer { pending.removeFirst(end + 1) }
        return String(decoding: pending[..<(end - 1)], as: UTF8.self)
      }
      from = pending.count
      guard try fill() else { throw .ended }
    }
  }

  private func fill() throws(ClientError) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    let count = buffer.withUnsafeMutableBytes { buffer in
      uninterrupted { recv(descriptor, buffer.baseAddress, buffer.count, 0) }
    }
    if count < 0 { throw errno == ECONNRESET ? .reset : .timedOut }
    pending += buffer[..<count]
    return count > 0
  }
}
