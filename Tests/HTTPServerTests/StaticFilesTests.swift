import Foundation
@testable import HTTPServer
import Testing

@Suite struct StaticFilesTests {
  /// Gives a test a directory with files in it, and removes it afterwards.
  func withDirectory(_ files: [String: String], _ body: (URL) throws -> Void) throws {
    let root = FileManager.default.temporaryDirectory.appendingPathComponent("static-" + UUID().uuidString)
    try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: root) }
    for (path, content) in files {
      let file = root.appendingPathComponent(path)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(content.utf8).write(to: file)
    }
    try body(root)
  }

  @Test func filesInNestedDirectoriesHaveTheirPaths() throws {
    try withDirectory(["a.txt": "A", "b/c/d.css": "D", "b/e.js": ""]) { root in
      let files = try StaticFiles(directory: root.path)
      #expect(files.paths == ["/a.txt", "/b/c/d.css", "/b/e.js"])
      #expect(files["/a.txt"]?.bytes == Array("A".utf8))
      #expect(files["/b/c/d.css"]?.bytes == Array("D".utf8))
      #expect(files["/b/e.js"]?.bytes == [])
    }
  }

  @Test func nothingElseIsAPath() throws {
    try withDirectory(["a.txt": "A", "b/c.txt": "C"]) { root in
      let files = try StaticFiles(directory: root.path)
      for path in ["", "/", "a.txt", "/a.txt/", "/b", "/b/", "/../a.txt", "/b/../a.txt", "//a.txt", "/A.txt"] {
        #expect(files[path] == nil, "\(path)")
      }
    }
  }

  @Test func anIndexAnswersForItsDirectory() throws {
    try withDirectory(["index.html": "top", "sub/index.html": "sub", "sub/notindex.html": "no"]) { root in
      let files = try StaticFiles(directory: root.path)
      #expect(files["/"]?.bytes == Array("top".utf8))
      #expect(files["/index.html"]?.bytes == Array("top".utf8))
      #expect(files["/sub/"]?.bytes == Array("sub".utf8))
      #expect(files["/sub"] == nil)
      #expect(files["/sub/not"] == nil)
    }
  }

  @Test func whatStartsWithADotIsPrivate() throws {
    try withDirectory([".env": "s", ".git/config": "s", "a/.hidden": "s", "a/b..c": "public"]) { root in
      let files = try StaticFiles(directory: root.path)
      #expect(files.paths == ["/a/b..c"])
    }
  }

  @Test func onlyRegularFilesAreRead() throws {
    try withDirectory(["a.txt": "A"]) { root in
      // Reading a pipe that nobody writes to would never end.
      #expect(mkfifo(root.appendingPathComponent("pipe").path, 0o600) == 0)
      let files = try StaticFiles(directory: root.path)
      #expect(files.paths == ["/a.txt"])
    }
  }

  @Test func theTypesAreThoseThatBrowsersInsistOn() throws {
    let types = [
      "a.html": "text/html; charset=utf-8", "a.css": "text/css; charset=utf-8",
      "a.js": "text/javascript; charset=utf-8", "a.mjs": "text/javascript; charset=utf-8", "a.svg": "image/svg+xml",
      "a.png": "image/png",
      "a.ico": "image/vnd.microsoft.icon", "a.json": "application/json", "a.txt": "text/plain; charset=utf-8",
      "a.webmanifest": "application/manifest+json", "a.min.js": "text/javascript; charset=utf-8",
      "a": "application/octet-stream", "html": "application/octet-stream", "a.js.bin": "application/octet-stream",
      "d.css/plain": "application/octet-stream",
    ]
    try withDirectory(types.mapValues { _ in "x" }) { root in
      let files = try StaticFiles(directory: root.path)
      for (path, type) in types { #expect(files["/" + path]?.type == type, "\(path)") }
    }
  }

  @Test func anEntityTagTellsContentsApartAndIsTheSameForTheSame() throws {
    try withDirectory(["a": "content", "b": "content", "c": "contenu", "d": "", "e": "\0", "f": "\0\0"]) { root in
      let files = try StaticFiles(directory: root.path)
      let again = try StaticFiles(directory: root.path)
      let tags = ["/a", "/b", "/c", "/d", "/e", "/f"].map { files[$0]!.entityTag }
      #expect(tags[0] == tags[1])
      #expect(Set(tags).count == 5)
      #expect(tags.allSatisfy { $0.hasPrefix("\"") && $0.hasSuffix("\"") && $0.count > 2 })
      #expect(files["/a"]?.entityTag == again["/a"]?.entityTag)
    }
  }

  @Test func aLargeFileIsReadWhole() throws {
    let content = String(repeating: "0123456789abcdef", count: 1 << 16)
    try withDirectory(["large.txt": content]) { root in
      let files = try StaticFiles(directory: root.path)
      #expect(files["/large.txt"]?.bytes == Array(content.utf8))
    }
  }

  @Test func whatCannotBeReadIsNamed() throws {
    try withDirectory(["file": "x"]) { root in
      let missing = root.appendingPathComponent("missing").path
      #expect(throws: StaticFiles.Failure.self) { try StaticFiles(directory: missing) }
      #expect(throws: StaticFiles.Failure.self) { try StaticFiles(directory: root.appendingPathComponent("file").path) }
      do {
        _ = try StaticFiles(directory: missing)
      } catch let error as StaticFiles.Failure {
        #expect(error.path == missing)
        #expect(error.reason == "No such file or directory")
        #expect("\(error)".contains(missing))
      }
    }
  }

  @Test func aLinkToNothingIsNamed() throws {
    try withDirectory([:]) { root in
      let link = root.appendingPathComponent("dangling").path
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "nothing")
      do {
        _ = try StaticFiles(directory: root.path)
        Issue.record("a file that is not there was read")
      } catch let error as StaticFiles.Failure {
        #expect(error.path == link)
      }
    }
  }

  @Test(.enabled(if: geteuid() != 0)) func aDirectoryWithoutPermissionIsNamed() throws {
    try withDirectory(["secret/file": "x"]) { root in
      let secret = root.appendingPathComponent("secret").path
      chmod(secret, 0)
      defer { chmod(secret, 0o700) }
      do {
        _ = try StaticFiles(directory: root.path)
        Issue.record("what may not be read was read")
      } catch let error as StaticFiles.Failure {
        #expect(error.path == secret)
        #expect(error.reason == "Permission denied")
      }
    }
  }
}
