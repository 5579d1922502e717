import Basics

/// Room for the longest datagram there is (``Limits/receiveBuffer`` bytes), made once and used for every receipt.
public final class ReceiveBuffer {
  /// The room itself.
  package let bytes: UnsafeMutableRawBufferPointer

  /// An empty buffer.
  public init() {
    bytes = .allocate(byteCount: Limits.receiveBuffer, alignment: 16)
  }

  deinit {
    bytes.deallocate()
  }

  /// A copy of the first `length` bytes.
  public func prefix(_ length: Int) -> [UInt8] {
    [UInt8](UnsafeRawBufferPointer(rebasing: bytes[..<length]))
  }
}
