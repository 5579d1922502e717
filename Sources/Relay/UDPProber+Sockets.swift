import Basics
import Sockets

// What passes between a series and its socket.

extension UDPProber {
  /// Takes what has come, or as much as a turn takes.
  ///
  /// - Returns: where there may be more, when the last of it came, before which none of the rest did; nil where that
  ///   was all.
  func receive(_ run: ProbeRun) -> MonotonicTime? {
    var last: MonotonicTime?
    for _ in 0..<Limits.probesPerTurn {
      do throws(SocketError) {
        guard let datagram = try run.socket.socket.receive(into: buffer) else { return nil }
        let arrival = Arrival(datagram.receivedAt, wallTime: WallTime.now, monotonicTime: MonotonicTime.now)
        last = arrival.time
        let bytes = UnsafeRawBufferPointer(rebasing: buffer.bytes[..<datagram.length])
        run.note(run.series.received(bytes, at: arrival.time, readAt: arrival.readAt))
      } catch {
        told(error, run)
      }
    }
    return last ?? run.start
  }

  /// Sends what is due; false where more is, since a turn sends a bounded number.
  func sendDue(of run: ProbeRun) -> Bool {
    for _ in 0..<Limits.probesPerTurn {
      let now = MonotonicTime.now()
      guard let due = run.nextDue, due <= now else { return true }
      guard send(run, dueSince: run.waitsForRoomSince ?? max(due, run.start)) else { return true }
    }
    return false
  }

  /// Sends the next datagram; false where the kernel has no room for it and it is to be tried again.
  ///
  /// Its round trip begins just before the send that the kernel took. One for which there was no room in as much time
  /// as a reply has is given up.
  private func send(_ run: ProbeRun, dueSince due: MonotonicTime) -> Bool {
    run.payload.write(run.series.nextNumber, into: &run.datagram)
    var refusal = SocketError(.send, .connectionRefused)
    // An error of an earlier datagram is told by the next call, which then has sent nothing.
    for _ in 0..<3 {
      let now = MonotonicTime.now()
      do throws(SocketError) {
        try run.socket.socket.send(run.datagram)
        run.sent(at: now)
        return true
      } catch {
        refusal = error
      }
      switch refusal.errno {
      case .resourceTemporarilyUnavailable, .noBufferSpace, .noMemory:
        if now - due > run.plan.timeout { break }
        run.waitsForRoomSince = due
        return false
      default:
        if takeErrors(of: run) > 0 { continue }
      }
      break
    }
    run.refused(refusal, at: .now())
    return true
  }

  /// An error came in place of a datagram. Where its entry in the error queue found no room, it is all there is.
  private func told(_ error: SocketError, _ run: ProbeRun) {
    guard takeErrors(of: run) == 0 else { return }
    run.note(run.series.reported(ReportedError(errno: error.errno), quoting: .init(start: nil, count: 0)))
  }

  /// Takes the errors that were reported, or as many as a turn takes; answers how many.
  func takeErrors(of run: ProbeRun) -> Int {
    for count in 0..<Limits.probesPerTurn {
      guard let (error, quoted) = run.socket.socket.nextError(quoting: buffer) else { return count }
      let quote = UnsafeRawBufferPointer(rebasing: buffer.bytes[..<quoted])
      run.note(run.series.reported(error, quoting: quote))
    }
    return Limits.probesPerTurn
  }

  /// Reads away what comes to a series that is over. A target that floods is not to hold the loop: what is left is read
  /// when more comes, or when the socket is closed.
  func hearSurplus(_ socket: ProbeSocket) {
    for _ in 0..<Limits.surplusReadsPerTurn {
      do throws(SocketError) {
        guard try socket.socket.receive(into: buffer) != nil else { return }
        lateReplies += 1
      } catch {
        _ = socket.socket.takeError()
      }
    }
  }
}
