import Glibc
import Sockets

/// The sockets that a service manager has opened for this program (sd_listen_fds(3)): they stand for `--http` and
/// `--udp`.
///
/// What each is for its name says, `http` or `udp` (systemd.socket(5), `FileDescriptorName=`), or where it has none,
/// its kind.
struct PassedSockets {
  private(set) var sockets: [InheritedSocket] = []

  /// Why what was passed cannot be listened on.
  struct Fault: Error, CustomStringConvertible {
    let description: String
  }

  private static let firstDescriptor: Int32 = 3
  private static let variables = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]

  /// The sockets that were passed to this process; none where the variables are meant for another. Nobody finds the
  /// variables afterwards.
  static func take(_ environment: [String: String]) throws(Fault) -> PassedSockets {
    defer { for variable in variables { unsetenv(variable) } }
    return try PassedSockets(environment, process: getpid())
  }

  init(_ environment: [String: String], process: pid_t) throws(Fault) {
    guard environment["LISTEN_PID"].flatMap(pid_t.init) == process, let passed = environment["LISTEN_FDS"] else {
      return
    }
    guard let count = Int32(passed), (0...1024).contains(count) else {
      throw Fault(description: "LISTEN_FDS must be a number of sockets, not '\(passed)'")
    }
    let names = environment["LISTEN_FDNAMES"]?.split(separator: ":", omittingEmptySubsequences: false) ?? []
    for index in 0..<count {
      let name = names.indices.contains(Int(index)) ? String(names[Int(index)]) : ""
      sockets.append(try Self.socket(Self.firstDescriptor + index, name: name))
    }
  }

  private static func socket(_ number: Int32, name: String) throws(Fault) -> InheritedSocket {
    let which = "the service manager's socket \(number)" + (name.isEmpty ? "" : " '\(name)'")
    let socket: InheritedSocket
    do throws(InheritedSocket.Fault) { socket = try InheritedSocket(inspecting: number) } catch {
      throw Fault(description: "\(which) cannot be listened on: \(error)")
    }
    let fitting = socket.transport == .tcp ? "http" : "udp"
    switch name {
    // sd_listen_fds_with_names(3) calls a socket so that has no name.
    case fitting, "", "unknown": return socket
    case "http", "udp":
      throw Fault(description: "\(which) is \(socket.transport.rawValue): its FileDescriptorName= must be '\(fitting)'")
    default:
      throw Fault(description: "\(which) is for nothing here: its FileDescriptorName= must be '\(fitting)'")
    }
  }
}
