import Glibc

/// How many descriptors this process may have open (getrlimit(2), `RLIMIT_NOFILE`).
public enum DescriptorLimit {
  /// Sees to it that `count` descriptors may be open, raising the soft limit where it is lower.
  ///
  /// - Returns: how many may be: at least `count`, or else all that the hard limit allows.
  public static func raise(to count: Int) -> Int {
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0 else { return count }
    let wanted = rlim_t(clamping: count)
    guard limit.rlim_cur < wanted else { return count }
    // Whoever may set the hard limit (capabilities(7), CAP_SYS_RESOURCE) has it raised too.
    var raised = rlimit(rlim_cur: wanted, rlim_max: max(wanted, limit.rlim_max))
    if setrlimit(resource, &raised) == 0 { return count }
    raised = rlimit(rlim_cur: min(wanted, limit.rlim_max), rlim_max: limit.rlim_max)
    return setrlimit(resource, &raised) == 0 ? Int(clamping: raised.rlim_cur) : Int(clamping: limit.rlim_cur)
  }

  private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
}
