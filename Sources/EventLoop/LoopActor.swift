/// An actor whose state lives on a loop.
public protocol LoopActor: Actor {
  /// Where it lives.
  nonisolated var loop: EventLoop { get }
}

extension LoopActor {
  /// The loop runs the actor's jobs.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.serialExecutor }

  /// Enters the actor from what the loop, or a C library that it runs, calls back on its thread.
  ///
  /// It is `assumeIsolated` with the loop's own check in place of the runtime's, which asks three questions through
  /// witnesses before it comes to that one: some 5 % of a message's instructions.
  ///
  /// - Precondition: the caller is on the loop's thread.
  @inline(__always)
  public nonisolated func assumeOnLoop<Result: Sendable>(_ body: (isolated Self) -> Result) -> Result {
    loop.assertCurrent()
    typealias Isolated = (isolated Self) -> Result
    typealias Plain = (Self) -> Result
    // As the standard library does it: isolation is a matter of types, and leaves no trace in a function's form.
    return withoutActuallyEscaping(body) { (body: @escaping Isolated) in unsafeBitCast(body, to: Plain.self)(self) }
  }
}
