// swift-tools-version: 6.2
import PackageDescription

// Every target is built alike: Swift 6 mode, no warning left standing. `nonisolated async` functions stay on
// their caller's executor, because here that is an event loop and leaving it would cost two thread switches.
let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")

func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
  .testTarget(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: settings)
}

let package = Package(
  name: "yodel",
  products: [
    .executable(name: "yodel", targets: ["yodel"]),
    .library(name: "Gateway", targets: ["Gateway"]),
  ],
  dependencies: [
    // The command line: what Swift users know, and it writes --help, completions and man pages.
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    // The log: a Gateway embedded in another program logs where that program does.
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    // Errno with its names and texts.
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    // Deque, for the sockets that rest in the order in which they came back; Heap, for replies that are held back.
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
  ],
  targets: [
    .systemLibrary(name: "CMicroHTTPD", pkgConfig: "libmicrohttpd", providers: [.apt(["libmicrohttpd-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CGnuTLS", pkgConfig: "gnutls", providers: [.apt(["libgnutls28-dev"])]),
    .systemLibrary(name: "CLinux"),

    module("Basics", []),
    module("Sockets", ["Basics", "CLinux", system]),
    module("EventLoop", ["Basics", "CLinux", "Sockets"]),
    module("TLS", ["Basics", "CGnuTLS", "Sockets"]),
    module("HTTPServer", ["Basics", "CMicroHTTPD", "CZlib", "EventLoop", "Sockets", "TLS"]),
    module(
      "Relay",
      [
        "Basics", "EventLoop", "Sockets", .product(name: "DequeModule", package: "swift-collections"),
        system,
      ]),
    module(
      "Echo", ["Basics", "EventLoop", "Sockets", .product(name: "HeapModule", package: "swift-collections")]),
    module(
      "Gateway",
      [
        "Basics", "Echo", "EventLoop", "HTTPServer", "Relay", "Sockets", "TLS",
        .product(name: "Logging", package: "swift-log"),
      ]),
    .executableTarget(
      name: "yodel",
      dependencies: [
        "Basics", "Echo", "EventLoop", "Gateway", "Relay", "Sockets", "TLS",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: settings),

    // The README's program that embeds a gateway; as a package of its own would, it sees what is public alone.
    .executableTarget(
      name: "Embedding", dependencies: ["Gateway"], path: "Tests/Embedding", packageAccess: false,
      swiftSettings: settings),

    // What tests of several modules need: sockets of the C library's, ways to wait, a generator that replays.
    .target(
      name: "TestSupport", dependencies: ["Basics", "CGnuTLS", "EventLoop", "Sockets"], path: "Tests/TestSupport",
      swiftSettings: settings),
    // The relay over a network and a clock that are made up, for its tests and for `make soak`.
    .target(
      name: "RelaySimulation", dependencies: ["Basics", "EventLoop", "Relay", "Sockets", "TestSupport", system],
      path: "Tests/RelaySimulation", swiftSettings: settings),
    .executableTarget(
      name: "RelaySoak", dependencies: ["Basics", "Relay", "RelaySimulation"], path: "Tests/RelaySoak",
      swiftSettings: settings),
    // Our JSON beside Foundation's, for `make bench`.
    .executableTarget(
      name: "JSONBench", dependencies: ["Basics"], path: "Tests/JSONBench", swiftSettings: settings),
    // Each names all that it imports: what is built anew after a change is decided by that.
    tests("BasicsTests", ["Basics", "TestSupport"]),
    tests("SocketsTests", ["Basics", "Sockets", "TestSupport", system]),
    tests("TLSTests", ["Basics", "TLS", "TestSupport"]),
    tests("EventLoopTests", ["Basics", "EventLoop", "Sockets", "TestSupport", system]),
    tests(
      "HTTPServerTests", ["Basics", "EventLoop", "HTTPServer", "Sockets", "TLS", "TestSupport", system],
      exclude: ["Corpus"]),
    tests(
      "RelayTests", ["Basics", "EventLoop", "Relay", "RelaySimulation", "Sockets", "TestSupport", system],
      exclude: ["Scenarios"]),
    tests("EchoTests", ["Basics", "Echo", "EventLoop", "Sockets", "TestSupport", system]),
    tests(
      "GatewayTests",
      [
        "Basics", "Echo", "EventLoop", "Gateway", "HTTPServer", "Sockets", "TestSupport", "yodel", system,
        .product(name: "Logging", package: "swift-log"),
      ]),
    tests(
      "TidyTests",
      ["Basics", "Echo", "Gateway", "yodel", .product(name: "ArgumentParser", package: "swift-argument-parser")]),
  ]
)
