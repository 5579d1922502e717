public import Glibc
public import SystemPackage

// Every system call of ours passes here, so that one place retries, one place traps what is a bug, and one place lets
// a test have any of them fail (see SystemCallFaults).

/// Makes one system call, again if a signal interrupted it, and throws its errno.
///
/// - Precondition: the errno is none that only a bug of ours can cause (a descriptor that is not open, a pointer
///   that is not ours): those trap here, where the stack still says who called.
@inlinable
public func systemCall<Value: FixedWidthInteger>(
  _ name: SystemCall, _ call: () -> Value
) throws(SocketError) -> Value {
  while true {
    let (value, error) = made(name, call)
    if value != -1 { return value }
    if error == EINTR { continue }
    precondition(error != EBADF && error != EFAULT, "\(name.rawValue): \(Errno(rawValue: error))")
    throw SocketError(name, Errno(rawValue: error))
  }
}

/// A system call that may only succeed or find nothing to do: nil stands for EAGAIN, which is too frequent to be
/// an error.
@inline(__always)
func nonblockingCall<Value: FixedWidthInteger>(
  _ name: SystemCall, _ call: () -> Value
) throws(SocketError) -> Value? {
  do throws(SocketError) {
    return try systemCall(name, call)
  } catch {
    if error.isWouldBlock { return nil }
    throw error
  }
}

/// The call's value, and its errno where that is -1.
@inlinable @inline(__always)
func made<Value: FixedWidthInteger>(_ name: SystemCall, _ call: () -> Value) -> (value: Value, errno: Int32) {
  #if DEBUG
    if let error = SystemCallFaults.failure(of: name) { return (-1, error.rawValue) }
  #endif
  let value = call()
  return (value, value == -1 ? errno : 0)
}
