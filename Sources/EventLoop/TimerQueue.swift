public import Basics

/// What waits for its time, earliest first: a binary heap whose entries know their place, so that one that is no longer
/// wanted leaves at once.
///
/// Nearly every timer of an exchange is cancelled; left in the heap until due, two seconds of full load would be eighty
/// thousand of them.
public struct TimerQueue<Element> {
  /// Names one timer of one queue; good until it fires or is cancelled.
  public struct ID: Hashable, Sendable {
    let slot: Int
    let generation: UInt32
  }

  private struct Slot {
    var element: Element?
    var generation: UInt32 = 0
    var position = 0
  }

  /// A slot's place in the heap. It holds what is compared: the slots themselves are all over the memory.
  private struct Entry {
    var deadline: MonotonicTime
    var slot: Int
  }

  private var slots: [Slot] = []
  private var freeSlots: [Int] = []
  /// Ordered as a binary heap by deadline.
  private var heap: [Entry] = []

  /// An empty queue.
  public init() {}

  /// How many timers wait.
  public var count: Int { heap.count }

  /// When the first of them is due; nil where none waits.
  public var nextDeadline: MonotonicTime? {
    heap.first?.deadline
  }

  /// Adds an element that is due at `deadline`.
  public mutating func insert(_ element: consuming Element, at deadline: MonotonicTime) -> ID {
    let slot = freeSlots.popLast() ?? slots.count
    if slot == slots.count { slots.append(Slot()) }
    slots[slot].element = element
    heap.append(Entry(deadline: deadline, slot: slot))
    return withOrder { order in
      order.siftUp(order.heap.count - 1)
      return ID(slot: slot, generation: order.slots[slot].generation)
    }
  }

  /// Takes a timer back; nil where it has fired or was cancelled already.
  @discardableResult
  public mutating func cancel(_ id: ID) -> Element? {
    guard slots[id.slot].generation == id.generation else { return nil }
    return remove(at: slots[id.slot].position)
  }

  /// Takes the first timer that is due by `time`; nil where none is.
  public mutating func popDue(at time: MonotonicTime) -> Element? {
    guard let deadline = nextDeadline, deadline <= time else { return nil }
    return remove(at: 0)
  }

  private mutating func remove(at position: Int) -> Element? {
    let slot = heap[position].slot
    freeSlots.append(slot)
    let last = heap.removeLast()
    return withOrder { order in
      if last.slot != slot { order.replace(at: position, by: last) }
      order.slots[slot].generation &+= 1
      return order.slots[slot].element.take()
    }
  }

  /// Lends the slots and the heap as memory: as arrays they would be asked at each step whose they are.
  private mutating func withOrder<Result>(_ body: (Order) -> Result) -> Result {
    slots.withUnsafeMutableBufferPointer { slots in
      heap.withUnsafeMutableBufferPointer { heap in body(Order(slots: slots, heap: heap)) }
    }
  }
}

// MARK: - The heap

extension TimerQueue {
  /// The heap while it is put into order, with the slots, which are told their places.
  private struct Order {
    let slots: UnsafeMutableBufferPointer<Slot>
    let heap: UnsafeMutableBufferPointer<Entry>

    private func place(_ entry: Entry, at position: Int) {
      heap[position] = entry
      slots[entry.slot].position = position
    }

    func replace(at position: Int, by entry: Entry) {
      place(entry, at: position)
      siftUp(position)
      siftDown(slots[entry.slot].position)
    }

    func siftUp(_ start: Int) {
      let entry = heap[start]
      var position = start
      while position > 0 {
        let parent = (position - 1) / 2
        guard entry.deadline < heap[parent].deadline else { break }
        place(heap[parent], at: position)
        position = parent
      }
      place(entry, at: position)
    }

    private func siftDown(_ start: Int) {
      let entry = heap[start]
      var position = start
      while true {
        var child = 2 * position + 1
        guard child < heap.count else { break }
        if child + 1 < heap.count, heap[child + 1].deadline < heap[child].deadline { child += 1 }
        guard heap[child].deadline < entry.deadline else { break }
        place(heap[child], at: position)
        position = child
      }
      place(entry, at: position)
    }
  }
}
