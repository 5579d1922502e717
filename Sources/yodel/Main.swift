import ArgumentParser
import EventLoop
import Glibc

/// The program: its main thread turns a loop, and the command is a task there.
///
/// An asynchronous main of Swift's own would park this thread where signals are not blocked, and be ended by the first.
@main
enum Main {
  /// The main thread's loop: signals are watched here.
  static let loop = makeLoop()

  static func main() {
    AllocatorTuning.apply()
    // Before there is any other thread: one that did not block them would be ended by them.
    SignalWatcher.block([SIGINT, SIGTERM, SIGHUP])
    Task(executorPreference: loop) {
      await run(Array(CommandLine.arguments.dropFirst()))
      loop.stop()
    }
    loop.run()
  }

  private static func run(_ arguments: [String]) async {
    do {
      var command = try Yodel.parseAsRoot(EnvironmentOptions().completing(arguments))
      // To the others it says that their terminal has gone.
      if !(command is Serve) { SignalWatcher.unblock([SIGHUP]) }
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      fail(error, arguments)
    }
  }

  /// Help and versions go out as they are, an error as one line.
  private static func fail(_ error: any Error, _ arguments: [String]) -> Never {
    let code = Yodel.exitCode(for: error)
    if code == .success || error is ExitCode { Yodel.exit(withError: error) }
    var message = Yodel.message(for: error).split(separator: "\n").map { $0.drop { $0 == " " } }.joined(separator: " ")
    if code == .validationFailure {
      message = UnknownWord(in: arguments)?.description ?? message
      let joint = message.hasSuffix(".") || message.hasSuffix("?") ? " " : "; "
      message += joint + "'yodel --help' and 'yodel COMMAND --help' tell the options"
    }
    Console.complain(message)
    exit(code.rawValue)
  }

  private static func makeLoop() -> EventLoop {
    do {
      return try EventLoop(name: "yodel")
    } catch {
      Console.complain("cannot start: \(error)")
      exit(EXIT_FAILURE)
    }
  }
}
