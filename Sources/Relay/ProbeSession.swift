/// A series as whoever asked for it has it. With its last reference goes the series: nobody is there to be told of it.
public final class ProbeSession: Sendable {
  /// What there is to say of a series.
  public enum Step: Sendable {
    /// What has become of some of its datagrams.
    case lines([ProbeLine])
    /// What became of all; the end.
    case summary(ProbeSummary)
  }

  /// Where the series goes.
  public let target: Target
  private let number: Int
  private let prober: UDPProber

  init(_ number: Int, of prober: UDPProber, target: Target) {
    self.number = number
    self.prober = prober
    self.target = target
  }

  deinit {
    perform { [number] in $0.drop(number) }
  }

  /// What has become known since the last call; waits where that is nothing yet. Once the task is cancelled the series
  /// ends: what is known is still told, and the summary.
  ///
  /// - Precondition: the summary has not been told.
  public func next() async -> Step {
    await withTaskCancellationHandler {
      await prober.next(of: number)
    } onCancel: {
      end()
    }
  }

  /// What became of all, without a word on each.
  public func summary() async -> ProbeSummary {
    while true {
      if case .summary(let summary) = await next() { return summary }
    }
  }

  /// Ends the series before its time. From any thread.
  public func end() {
    perform { [number] in $0.end(number) }
  }

  /// Does something on the prober's loop, at once where this is it. A loop that has ended keeps what it was given: not
  /// the prober, which keeps the loop.
  private func perform(_ body: @escaping @Sendable (isolated UDPProber) -> Void) {
    let prober = prober
    if prober.loop.isCurrent {
      prober.assumeOnLoop(body)
    } else {
      prober.loop.submit { [weak prober] in prober?.assumeOnLoop(body) }
    }
  }
}
