public import Glibc
public import SystemPackage

/// Makes one system call, again if a signal interrupted it, and throws its errno.
///
/// - Precondition: the errno is none that only a bug of ours can cause (a descriptor that is not open, a pointer
///   that is not ours): those trap here, where the stack still says who called.
@inlinable
public func systemCall<Value: FixedWidthInteger>(
  _ name: SystemCall, _ call: () -> Value
) throws(SocketError) -> Value {
  while true {
    let value = call()
    if value != -1 { return value }
    let error = Errno(rawValue: errno)
    if error == .interrupted { continue }
    precondition(error != .badFileDescriptor && error != .badAddress, "\(name.rawValue): \(error)")
    throw SocketError(name, error)
  }
}

/// A system call that may only succeed or find nothing to do: nil stands for EAGAIN, which is too frequent to be
/// an error.
@inline(__always)
func nonblockingCall<Value: FixedWidthInteger>(
  _ name: SystemCall, _ call: () -> Value
) throws(SocketError) -> Value? {
  while true {
    let value = call()
    if value != -1 { return value }
    let error = errno
    if error == EAGAIN { return nil }
    if error == EINTR { continue }
    precondition(error != EBADF && error != EFAULT, "\(name.rawValue): \(Errno(rawValue: error))")
    throw SocketError(name, Errno(rawValue: error))
  }
}
