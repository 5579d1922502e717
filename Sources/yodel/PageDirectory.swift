import FoundationEssentials
import Glibc

/// Where the page is when nobody says.
enum PageDirectory {
  /// The usual places, in the order in which they are looked at.
  static var places: [String] {
    let parents = [executableDirectory, FileManager.default.currentDirectoryPath, "/usr/share/yodel"]
    return parents.compactMap { $0.map { $0 + "/public" } }
  }

  /// The first of the usual places that has a page this process can read; nil where none has.
  static func find() -> String? {
    places.first { access($0 + "/index.html", R_OK) == 0 }
  }

  private static var executableDirectory: String? {
    executablePath.flatMap { path in path.lastIndex(of: "/").map { String(path[..<$0]) } }
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
