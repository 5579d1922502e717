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
    var deadline: MonotonicTime
    var element: Element?
    var generation: UInt32
    var position: Int
  }

  private var slots: [Slot] = []
  private var freeSlots: [Int] = []
  /// Slots, ordered as a binary heap by deadline.
  private var heap: [Int] = []

  /// An empty queue.
  public init() {}

  /// How many timers wait.
  public var count: Int { heap.count }

  /// When the first of them is due; nil where none waits.
  public var nextDeadline: MonotonicTime? {
    heap.first.map { slots[$0].deadline }
  }

  /// Adds an element that is due at `deadline`.
  public mutating func insert(_ element: Element, at deadline: MonotonicTime) -> ID {
    let slot = freeSlots.popLast() ?? slots.count
    if slot == slots.count {
      slots.append(Slot(deadline: deadline, element: nil, generation: 0, position: 0))
    }
    slots[slot].deadline = deadline
    slots[slot].element = element
    slots[slot].position = heap.count
    heap.append(slot)
    siftUp(heap.count - 1)
    return ID(slot: slot, generation: slots[slot].generation)
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
    let slot = heap[position]
    let last = heap.removeLast()
    if last != slot {
      place(last, at: position)
      siftUp(position)
      siftDown(slots[last].position)
    }
    slots[slot].generation &+= 1
    freeSlots.append(slot)
    return slots[slot].element.take()
  }

  private mutating func place(_ slot: Int, at position: Int) {
    heap[position] = slot
    slots[slot].position = position
  }

  private mutating func siftUp(_ start: Int) {
    let slot = heap[start]
    var position = start
    while position > 0 {
      let parent = (position - 1) / 2
      guard slots[slot].deadline < slots[heap[parent]].deadline else { break }
      place(heap[parent], at: position)
      position = parent
    }
    place(slot, at: position)
  }

  private mutating func siftDown(_ start: Int) {
    let slot = heap[start]
    var position = start
    while true {
      var child = 2 * position + 1
      guard child < heap.count else { break }
      if child + 1 < heap.count, slots[heap[child + 1]].deadline < slots[heap[child]].deadline { child += 1 }
      guard slots[heap[child]].deadline < slots[slot].deadline else { break }
      place(heap[child], at: position)
      position = child
    }
    place(slot, at: position)
  }
}
