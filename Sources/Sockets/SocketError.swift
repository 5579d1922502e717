public import SystemPackage

/// A system call that failed: which one, and its errno.
public struct SocketError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The system call's name, as in section 2 of the manual.
  public var call: SystemCall
  /// Why it failed.
  public var errno: Errno

  /// A failure of `call` with `errno`.
  public init(_ call: SystemCall, _ errno: Errno) {
    self.call = call
    self.errno = errno
  }

  /// `bind: Address already in use`.
  public var description: String { "\(call.rawValue): \(errno)" }

  /// The call found nothing to do now; try again when the descriptor is ready.
  public var isWouldBlock: Bool { errno == .wouldBlock || errno == .resourceTemporarilyUnavailable }

  /// The process or the machine has no descriptor left.
  public var isOutOfDescriptors: Bool { errno == .tooManyOpenFiles || errno == .tooManyOpenFilesInSystem }
}

/// The system calls whose failure a caller may see.
public enum SystemCall: String, CaseIterable, Sendable {
  case accept4, bind, connect, epoll_create1, epoll_ctl, epoll_pwait2, epoll_wait, eventfd, getsockname, getsockopt
  case listen, poll, pthread_create, read, recv, recvmmsg, recvmsg, send, sendmmsg, setsockopt, signalfd, socket, write
}
