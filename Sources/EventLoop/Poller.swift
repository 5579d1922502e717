import Basics
import CLinux
import Glibc
import Sockets

/// What a descriptor is ready for (epoll_ctl(2)).
public struct Readiness: OptionSet, Sendable {
  public let rawValue: UInt32

  public init(rawValue: UInt32) {
    self.rawValue = rawValue
  }

  /// There is something to read, or a connection to accept.
  public static let readable = Readiness(rawValue: CLINUX_EPOLLIN)
  /// There is room to write.
  public static let writable = Readiness(rawValue: CLINUX_EPOLLOUT)
  /// An error is pending; it is reported whether asked for or not.
  public static let error = Readiness(rawValue: CLINUX_EPOLLERR)
  /// Both directions are closed; reported whether asked for or not.
  public static let hangUp = Readiness(rawValue: CLINUX_EPOLLHUP)
  /// The other side will send nothing more; what it sent before may still be unread.
  public static let peerEnded = Readiness(rawValue: CLINUX_EPOLLRDHUP)
  /// As an interest: tell of changes only, not of what lasts.
  public static let edgeTriggered = Readiness(rawValue: CLINUX_EPOLLET)
}

/// A descriptor's place in a loop. It outlives neither the loop nor its use: a place that was given up is recognised.
public struct Registration: Hashable, Sendable {
  let slot: UInt32
  let generation: UInt32

  /// What epoll hands back with an event. A bare descriptor would not do: its number can be another file's by the time
  /// an event of the same wait is told.
  var epollData: UInt64 { UInt64(generation) << 32 | UInt64(slot) }
}

/// An epoll and who waits for what on it (epoll(7)).
final class Poller {
  private struct Slot {
    var generation: UInt32 = 0
    var handler: (any DescriptorHandler)?
    var token = 0
  }

  /// The epoll data of the mailbox; no slot has it.
  private static let mailboxData = UInt64.max

  private let epoll: Descriptor
  private let events: UnsafeMutablePointer<epoll_event>
  /// The kernel waits by the nanosecond (Linux 5.11), and nothing between it and us forbids that.
  private var waitsPrecisely = true
  private var slots: [Slot] = []
  private var freeSlots: [UInt32] = []

  init() throws(SocketError) {
    epoll = Descriptor(owning: try systemCall(.epoll_create1) { epoll_create1(Int32(EPOLL_CLOEXEC)) })
    events = .allocate(capacity: Limits.eventsPerWait)
  }

  deinit {
    events.deallocate()
  }

  func watchWakeups(of descriptor: Int32) throws(SocketError) {
    try control(EPOLL_CTL_ADD, descriptor, CLINUX_EPOLLIN, Self.mailboxData)
  }

  func add(
    _ descriptor: Int32, _ interest: Readiness, _ handler: any DescriptorHandler, token: Int
  ) throws(SocketError) -> Registration {
    let slot = freeSlots.popLast() ?? UInt32(slots.count)
    if slot == slots.count { slots.append(Slot()) }
    let registration = Registration(slot: slot, generation: slots[Int(slot)].generation)
    do throws(SocketError) {
      try control(EPOLL_CTL_ADD, descriptor, interest.rawValue, registration.epollData)
    } catch {
      freeSlots.append(slot)
      throw error
    }
    slots[Int(slot)].handler = handler
    slots[Int(slot)].token = token
    return registration
  }

  func change(_ registration: Registration, _ descriptor: Int32, _ interest: Readiness) throws(SocketError) {
    try control(EPOLL_CTL_MOD, descriptor, interest.rawValue, registration.epollData)
  }

  /// Gives a place up; the kernel forgets the descriptor itself when it is closed.
  func remove(_ registration: Registration) {
    let index = Int(registration.slot)
    // The loop has ended, and with it every registration.
    if slots.isEmpty { return }
    precondition(slots[index].generation == registration.generation, "a registration was removed twice")
    slots[index].generation &+= 1
    slots[index].handler = nil
    freeSlots.append(registration.slot)
  }

  /// Gives all places up, at the loop's end.
  func removeAll() {
    slots = []
    freeSlots = []
  }

  /// Sleeps until something is ready or the deadline passes; answers how many events there are.
  func wait(until deadline: MonotonicTime) -> Int {
    let left = max(0, (deadline - .now()).count)
    do throws(SocketError) {
      if waitsPrecisely, let count = try waitPrecisely(left) { return count }
      // Rounded up: waking a fraction too early would turn the loop for nothing.
      let milliseconds = Int32(clamping: (left + 999_999) / 1_000_000)
      let number = epoll.number
      return Int(try systemCall(.epoll_wait) { epoll_wait(number, events, Int32(Limits.eventsPerWait), milliseconds) })
    } catch {
      preconditionFailure("\(error)")  // epoll_wait(2) names no error that is not a bug of ours.
    }
  }

  /// Waits for `left` nanoseconds at most; nil where only whole milliseconds are to be had, from now on.
  private func waitPrecisely(_ left: Int64) throws(SocketError) -> Int? {
    let number = epoll.number
    var timeout = timespec(tv_sec: Int(left / 1_000_000_000), tv_nsec: Int(left % 1_000_000_000))
    do throws(SocketError) {
      return Int(
        try systemCall(.epoll_pwait2) { clinux_epoll_pwait2(number, events, Int32(Limits.eventsPerWait), &timeout) })
    } catch {
      // An older kernel does not know the call; a filter of system calls (seccomp(2)) may not.
      guard error.errno == .noFunction || error.errno == .notPermitted else { throw error }
      waitsPrecisely = false
      return nil
    }
  }

  func deliver(_ index: Int, mailbox: Mailbox) {
    let data = clinux_epoll_data(events + index)
    if data == Self.mailboxData { return mailbox.acknowledge() }
    let slot = slots[Int(truncatingIfNeeded: data & 0xFFFF_FFFF)]
    // An event of this very wait may be about a descriptor that an earlier one closed.
    guard slot.generation == UInt32(data >> 32), let handler = slot.handler else { return }
    handler.descriptorReady(Readiness(rawValue: events[index].events), token: slot.token)
  }

  private func control(_ operation: Int32, _ descriptor: Int32, _ events: UInt32, _ data: UInt64) throws(SocketError) {
    var event = clinux_epoll_event(events, data)
    let number = epoll.number
    _ = try systemCall(.epoll_ctl) { epoll_ctl(number, operation, descriptor, &event) }
  }
}

// MARK: - The loop's face of it

extension EventLoop {
  /// Has `handler` told when a descriptor is ready, until ``deregister(_:)``. Errors and hang-ups are always told.
  ///
  /// - Parameter token: handed back with each event, for a handler with many descriptors.
  /// - Throws: `ENOMEM` or `ENOSPC` where the kernel's bound on watches is reached (epoll(7)).
  public func register(
    _ descriptor: Int32, for interest: Readiness, handler: any DescriptorHandler, token: Int = 0
  ) throws(SocketError) -> Registration {
    assertCurrent()
    return try poller.add(descriptor, interest, handler, token: token)
  }

  /// Waits for something else on a registered descriptor from now on.
  public func reregister(
    _ registration: Registration, _ descriptor: Int32, for interest: Readiness
  ) throws(SocketError) {
    assertCurrent()
    try poller.change(registration, descriptor, interest)
  }

  /// Ends a registration whose descriptor is about to be closed: left open, it would go on waking the loop. No event
  /// reaches its handler any more, not even one that this turn has fetched already.
  public func deregister(_ registration: Registration) {
    assertCurrent()
    poller.remove(registration)
  }
}
