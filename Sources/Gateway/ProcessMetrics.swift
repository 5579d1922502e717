import Basics
import Glibc

/// What Prometheus's client libraries say of a process, under their names.
struct ProcessMetrics {
  private let usage: rusage
  /// Pages of virtual and of resident memory (proc_pid_statm(5)).
  private let pages: [Int]
  private let descriptors: Int
  private let threads: Int

  init() {
    var usage = rusage()
    getrusage(RUSAGE_SELF.rawValue, &usage)
    self.usage = usage
    pages = Self.line(of: "/proc/self/statm").split(separator: " ").compactMap { Int($0) }
    // But for the descriptor that counts.
    descriptors = Self.entries(of: "/proc/self/fd") - 1
    threads = Self.entries(of: "/proc/self/task")
  }

  func write(startedAt: WallTime, to writer: inout MetricsWriter) {
    writer.single("process_cpu_seconds_total", .counter, "User and system CPU time in seconds.", cpuSeconds)
    writer.single("process_open_fds", .gauge, "Open file descriptors.", descriptors)
    writer.single("process_max_fds", .gauge, "File descriptors that may be open.", Self.limit(RLIMIT_NOFILE))
    if pages.count > 1 {
      let size = sysconf(Int32(_SC_PAGESIZE))
      writer.single("process_virtual_memory_bytes", .gauge, "Virtual memory in bytes.", pages[0] * size)
      writer.single("process_resident_memory_bytes", .gauge, "Resident memory in bytes.", pages[1] * size)
    }
    writer.single(
      "process_virtual_memory_max_bytes", .gauge, "Virtual memory that there may be, in bytes.", Self.limit(RLIMIT_AS))
    writer.single("process_threads", .gauge, "Threads.", threads)
    let start = Double(startedAt.nanoseconds) / 1e9
    writer.single("process_start_time_seconds", .gauge, "Start time in seconds since 1970.", start)
  }

  private var cpuSeconds: Double {
    let seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
    return Double(seconds) + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
  }

  private static func limit(_ resource: __rlimit_resource) -> UInt {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(resource.rawValue), &limit)
    return limit.rlim_cur
  }

  private static func line(of file: String) -> String {
    guard let stream = fopen(file, "r") else { return "" }
    defer { fclose(stream) }
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { line in
      fgets(line.baseAddress!, Int32(line.count), stream).map { String(cString: $0) } ?? ""
    }
  }

  private static func entries(of directory: String) -> Int {
    guard let stream = opendir(directory) else { return 0 }
    defer { closedir(stream) }
    var count = 0
    while readdir(stream) != nil { count += 1 }
    // Not ".", not "..".
    return count - 2
  }
}
