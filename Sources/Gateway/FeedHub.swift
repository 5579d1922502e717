import Basics
import Echo
import EventLoop
import HTTPServer

/// The live feeds of one loop.
///
/// A feed asks the log for what it has not seen: whoever reads slowly, or not at all, costs the echo nothing and finds
/// a gap. Where nothing is new it waits here, and the loop looks at the log every ``Limits/feedInterval`` as long as
/// one waits.
actor FeedHub: LoopActor {
  nonisolated let loop: EventLoop
  private let log: DatagramLog
  private let places: FeedPlaces
  private let keepAlive: Nanoseconds
  private var pieces = FeedPieces()
  private var schedule = FeedSchedule()
  private var feeds: [Int: Feed] = [:]
  private var nextFeed = 0
  private var timer: EventLoop.TimerID?

  private struct Feed {
    let writer: HTTPBodyWriter
    /// What waits for a call.
    var waiter: UnsafeContinuation<FeedSchedule.Call?, Never>?
    /// It was seen that the client has ended, and tried whether it is still there.
    var wasProbed = false
  }

  init(on loop: EventLoop, log: DatagramLog, places: FeedPlaces, keepAlive: Nanoseconds) {
    self.loop = loop
    self.log = log
    self.places = places
    self.keepAlive = keepAlive
  }

  /// Where a feed begins.
  struct Start {
    /// The number of the last datagram that the client knows.
    var cursor: UInt64
    /// How many it has missed before, if it is to be told.
    var missed: UInt64?
  }

  /// Tells a client of all datagrams from a place on, until it goes or the task is cancelled.
  func serve(_ start: Start, through writer: HTTPBodyWriter) async throws(HTTPBodyWriter.Closed) {
    let feed = nextFeed
    nextFeed += 1
    feeds[feed] = Feed(writer: writer)
    defer { end(feed) }
    try await writer.write(EventStream.comment("yodel"))
    // What was gone before the feed began is no slowness of its reader's.
    if let missed = start.missed { try await writer.write(EventStream.gap(missed: missed)) }
    var cursor = start.cursor
    while let call = await call(feed, after: cursor) {
      switch call {
      case .keepAlive: try await writer.write(EventStream.comment("still here"))
      case .events(let bytes): cursor = try await tell(after: cursor, upTo: bytes, through: writer)
      }
    }
  }

  /// Tells what is new, some `bytes` of it; answers how far it came.
  private func tell(
    after cursor: UInt64, upTo bytes: Int, through writer: HTTPBodyWriter
  ) async throws(HTTPBodyWriter.Closed) -> UInt64 {
    var cursor = cursor
    var left = bytes
    while left > 0, !Task.isCancelled, let (missed, piece) = pieces.next(after: cursor, in: log) {
      if missed > 0 {
        places.miss(missed)
        try await writer.write(EventStream.gap(missed: missed))
      }
      try await writer.write(piece.bytes)
      cursor = piece.last
      left -= piece.bytes.count
    }
    return cursor
  }

  private func end(_ feed: Int) {
    feeds[feed] = nil
    if feeds.isEmpty { pieces.removeAll() }
  }
}

// MARK: - Waiting

extension FeedHub: TimerHandler {
  /// Waits until a feed has something to say; nil where it is to end.
  private func call(_ feed: Int, after cursor: UInt64) async -> FeedSchedule.Call? {
    let keepAliveAt = loop.now + keepAlive
    return await withTaskCancellationHandler {
      await withUnsafeContinuation { waiter in
        if Task.isCancelled { return waiter.resume(returning: nil) }
        feeds[feed]!.waiter = waiter
        schedule.wait(feed, cursor: cursor, keepAliveAt: keepAliveAt)
        setTimer()
      }
    } onCancel: {
      cancel(feed)
    }
  }

  /// From any thread, and at any time.
  private nonisolated func cancel(_ feed: Int) {
    if loop.isCurrent {
      assumeOnLoop { $0.resume(feed, nil) }
    } else {
      loop.submit { self.assumeOnLoop { $0.resume(feed, nil) } }
    }
  }

  private func resume(_ feed: Int, _ call: FeedSchedule.Call?) {
    guard let waiter = feeds[feed]?.waiter.take() else { return }
    if call == nil { schedule.remove(feed) }
    waiter.resume(returning: call)
  }

  private func setTimer() {
    if timer == nil { timer = loop.schedule(at: loop.now + Limits.feedInterval, handler: self) }
  }

  nonisolated func timerFired(_ token: Int) {
    assumeOnLoop { $0.look() }
  }

  private func look() {
    timer = nil
    probeEnded()
    for (feed, call) in schedule.take(newest: log.newest, at: loop.now) { resume(feed, call) }
    if !schedule.isEmpty { setTimer() }
  }

  /// A client that has ended its side has mostly gone: it is written to at once, and if nobody is there the kernel says
  /// so. Otherwise its place would be taken until the next keep-alive.
  private func probeEnded() {
    for (feed, state) in feeds where !state.wasProbed && state.waiter != nil && state.writer.clientHasEnded {
      feeds[feed]!.wasProbed = true
      schedule.hasten(feed, to: loop.now)
    }
  }
}
