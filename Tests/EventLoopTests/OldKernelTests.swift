import Basics
import EventLoop
import SystemPackage
import TestSupport
import Testing

@testable import Sockets

/// Where the kernel, or a filter of system calls in front of it, does not let a loop wait by the nanosecond.
@Suite struct OldKernelTests {
  @Test(arguments: [Errno.noFunction.rawValue, Errno.notPermitted.rawValue])
  func aLoopWaitsByTheMillisecondInstead(error: Int32) async {
    await #expect(processExitsWith: .success) { [error] in
      let precise = Locked(0)
      let coarse = Locked(0)
      SystemCallFaults.follow { call in
        if call == .epoll_wait { coarse.withLock { $0 += 1 } }
        guard call == .epoll_pwait2 else { return nil }
        precise.withLock { $0 += 1 }
        return Errno(rawValue: error)
      }
      let thread = try LoopThread(name: "old-kernel")
      let fired = Locked<[MonotonicTime]>([])
      let handler = Handler(fired: { _ in fired.withLock { $0.append(.now()) } })
      let deadline = MonotonicTime.now() + .milliseconds(20)
      thread.loop.submit { _ = thread.loop.schedule(at: deadline, handler: handler) }
      let hasFired = await eventually { fired.withLock { !$0.isEmpty } }
      precondition(hasFired && fired.withLock { $0[0] } >= deadline)
      thread.loop.stop()
      thread.join()
      // Asked once, it is not asked again.
      precondition(precise.withLock { $0 } == 1 && coarse.withLock { $0 } > 0)
    }
  }
}
