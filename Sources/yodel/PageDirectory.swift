import Glibc

/// Where the page is when nobody says.
enum PageDirectory {
  /// The first of the usual places that is there; nil where none is.
  static func find() -> String? {
    [executableDirectory.map { $0 + "/public" }, "public", "/usr/share/yodel/public"].compactMap { $0 }.first(
      where: isDirectory)
  }

  private static var executableDirectory: String? {
    executablePath.flatMap { path in path.lastIndex(of: "/").map { String(path[..<$0]) } }
  }

  private static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}

/// The file that this program runs from (proc(5)); nil where the kernel does not tell.
var executablePath: String? {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { path in
    let length = readlink("/proc/self/exe", path.baseAddress!, path.count - 1)
    guard length > 0 else { return nil }
    path[length] = 0
    return String(cString: path.baseAddress!)
  }
}
