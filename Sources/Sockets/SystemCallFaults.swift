#if DEBUG
  import Basics
  public import SystemPackage

  /// Makes system calls fail that would have succeeded, so that a test sees what becomes of it. In debug builds alone:
  /// a release build has neither this nor the question for it.
  @usableFromInline
  package enum SystemCallFaults {
    /// Says for each call, on whatever thread, whether it is not to be made and what its errno is then.
    package typealias Plan = @Sendable (SystemCall) -> Errno?

    private static let plan = Locked<Plan?>(nil)

    /// Follows `plan` from now on in the whole process; nil ends it.
    package static func follow(_ plan: Plan?) {
      self.plan.withLock { $0 = plan }
    }

    /// The errno that a call is to fail with; nil to make it.
    @usableFromInline
    static func failure(of call: SystemCall) -> Errno? {
      plan.withLock { $0 }?(call)
    }
  }
#endif
