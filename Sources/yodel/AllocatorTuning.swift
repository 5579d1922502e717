import Glibc

/// How glibc's allocator is to serve a program whose tasks come and go by the dozen.
///
/// It keeps seven free blocks of each size at hand, and what is past that takes the long way. With 64 messages in
/// flight that was 5 % of a message's CPU; with 800, so was the step from 500 blocks to 2,000. The number can only be
/// set from outside, before a program starts (mallopt(3) does not have it), so the program starts itself once more.
enum AllocatorTuning {
  private static let variable = "GLIBC_TUNABLES"
  /// Some 120 KiB a thread and size at the most, of what was in use at once anyway.
  private static let value = "glibc.malloc.tcache_count=2000"

  /// Starts the program anew with the setting, unless somebody has set something; where that cannot be done, it goes on
  /// without. Before anything else: descriptors and threads do not survive it.
  static func apply() {
    guard getenv(variable) == nil, let path = executablePath, setenv(variable, value, 1) == 0 else { return }
    execv(path, CommandLine.unsafeArgv)
  }
}
