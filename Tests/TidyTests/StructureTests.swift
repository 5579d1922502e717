import Foundation
import Testing

/// What the house is held to: arrows point down, C stays where it is wrapped, rooms stay small.
struct StructureTests {
  /// What each module may import of ours. Basics is under all; the three in the middle do not know one another.
  private static let mayImport: [String: Set<String>] = [
    "CGnuTLS": [], "CLinux": [], "CMicroHTTPD": [], "CZlib": [],
    "Basics": [],
    "Sockets": ["Basics", "CLinux"],
    "EventLoop": ["Basics", "CLinux", "Sockets"],
    "TLS": ["Basics", "CGnuTLS", "Sockets"],
    "HTTPServer": ["Basics", "CMicroHTTPD", "CZlib", "EventLoop", "Sockets", "TLS"],
    "Relay": ["Basics", "EventLoop", "Sockets"],
    "Echo": ["Basics", "EventLoop", "Sockets"],
    "Gateway": ["Basics", "Echo", "EventLoop", "HTTPServer", "Relay", "Sockets", "TLS"],
    "yodel": ["Basics", "Echo", "EventLoop", "Gateway", "Relay", "Sockets", "TLS"],
  ]

  /// What each module may import of others: Foundation only at the edges, not on the path of a message.
  private static let mayImportFromOutside: [String: Set<String>] = [
    "Basics": ["Glibc", "Synchronization"],
    "Sockets": ["Glibc", "SystemPackage"],
    "EventLoop": ["Glibc", "Synchronization"],
    "TLS": ["Glibc"],
    "HTTPServer": ["Glibc", "Synchronization"],
    "Relay": ["DequeModule", "Synchronization", "SystemPackage"],
    "Echo": ["Glibc", "HeapModule", "Synchronization"],
    "Gateway": ["FoundationEssentials", "Glibc", "Logging", "Synchronization"],
    "yodel": ["ArgumentParser", "Dispatch", "FoundationEssentials", "Glibc", "Logging", "Synchronization"],
  ]

  @Test func everyModuleHasItsPlace() throws {
    #expect(try Repository.modules() == Self.mayImport.keys.sorted())
  }

  @Test func importsPointDown() throws {
    for module in try Repository.modules() {
      let allowed = Self.mayImport[module, default: []].union(Self.mayImportFromOutside[module, default: []])
      for file in try Repository.swiftFiles(in: "Sources/\(module)") {
        for imported in imports(of: try Repository.text(file)) {
          #expect(allowed.contains(imported), "\(file) imports \(imported)")
        }
      }
    }
  }

  private func imports(of text: String) -> [String] {
    text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard let index = words.firstIndex(of: "import"), index <= 1, words.count > index + 1, !line.hasPrefix("//")
      else { return nil }
      return String(words[index + 1])
    }
  }

  /// `@unchecked Sendable` only where a lock or a loop's own thread is what makes it true.
  @Test func whatIsUncheckedSaysWhy() throws {
    for module in try Repository.modules() {
      for file in try Repository.swiftFiles(in: "Sources/\(module)") {
        let text = try Repository.text(file)
        guard text.contains(": @unchecked Sendable") else { continue }
        #expect(["Basics", "Echo", "EventLoop", "HTTPServer", "TLS"].contains(module), "\(file)")
        #expect(text.contains("/// `@unchecked Sendable`:"), "\(file) does not say why")
      }
    }
  }

  /// `make bench-hooks` compares with the sources less some lines, which must be found to be taken away.
  @Test func theSourcesWithoutHooksCanBeMade() throws {
    let source = try Repository.text("Sources/Echo/EchoWorker.swift")
    let hunks = try Repository.text("Benchmarks/without-hooks.patch").split(separator: "\n@@ ").dropFirst()
    #expect(hunks.count > 1)
    for hunk in hunks {
      let lines = hunk.split(separator: "\n").dropFirst().filter { $0.hasPrefix(" ") || $0.hasPrefix("-") }
      let text = lines.map { $0.dropFirst() }.joined(separator: "\n")
      #expect(source.contains(text), "the patch has other lines than the source")
    }
  }

  @Test func roomsStaySmall() throws {
    for file in try Repository.swiftFiles(in: "Sources") + Repository.swiftFiles(in: "Tests") {
      let lines = try Repository.text(file).split(separator: "\n", omittingEmptySubsequences: false)
      #expect(lines.count <= 320, "\(file) has \(lines.count) lines")
      #expect(longestFunction(lines) <= 50, "\(file) has a function of \(longestFunction(lines)) lines")
      for (number, line) in lines.enumerated() where line.count > 120 {
        Issue.record("\(file):\(number + 1) has \(line.count) characters")
      }
    }
  }

  /// Lines from a `func` or `init` to the brace that closes it at the same depth.
  private func longestFunction(_ lines: [Substring]) -> Int {
    var longest = 0
    for (start, line) in lines.enumerated() where line.contains("func ") || line.contains(" init") {
      let indentation = line.prefix { $0 == " " }
      guard line.hasSuffix("{") || lines.dropFirst(start + 1).prefix(3).contains(where: { $0.hasSuffix("{") }) else {
        continue
      }
      if let length = lines.dropFirst(start + 1).firstIndex(where: { $0 == indentation + "}" }) {
        longest = max(longest, length - start + 1)
      }
    }
    return longest
  }

  @Test func publicDeclarationsAreDocumented() throws {
    // What a protocol or an operator asks for is documented where that is.
    let witnesses = [
      "description", "rawValue", "unownedExecutor", "enqueue", "checkIsolated", "isIsolatingCurrentContext",
      "descriptorReady", "timerFired", "turnEnds", "makeIterator", "init(rawValue", "init(dictionaryLiteral",
      "init?(argument", "func <", "func +", "func -",
    ]
    for file in try Repository.swiftFiles(in: "Sources") {
      let lines = try Repository.text(file).split(separator: "\n", omittingEmptySubsequences: false)
      for (index, line) in lines.enumerated() where line.drop(while: { $0 == " " }).hasPrefix("public ") {
        if line.contains("public import") || witnesses.contains(where: { line.contains($0) }) { continue }
        let above = lines[..<index].last { !$0.drop(while: { $0 == " " }).hasPrefix("@") } ?? ""
        #expect(above.contains("///"), "\(file):\(index + 1) is public and not documented")
      }
    }
  }

  @Test func nothingIsLeftToBeDone() throws {
    for file in try Repository.swiftFiles(in: "Sources") {
      let text = try Repository.text(file)
      for word in ["TO" + "DO", "FIX" + "ME", "XX" + "X", "place" + "holder"] {
        #expect(!text.contains(word), "\(file) holds \(word)")
      }
    }
  }
}
