import Glibc
import Synchronization

/// Keeps freed block memory for the next block of the same size class: the first touch of fresh pages from the kernel
/// costs as much as a pass over them.
///
/// Size classes are a quarter of a power of two apart, so at most a fifth of a block is lost to rounding. Small
/// blocks go to `malloc` directly, which keeps them itself.
package final class BlockAllocator: Sendable {
  package static let shared = BlockAllocator()

  private static let alignment = 64
  private static let smallest = 64 << 10
  private static let hugePage = 2 << 20
  /// How many bytes of freed memory are kept at most.
  private static let keepLimit = 512 << 20

  private struct State: ~Copyable {
    var free: [Int: [UInt]] = [:]
    var freeBytes = 0
  }
  private let state = Mutex(State())

  package static func capacity(for byteCount: Int) -> Int {
    if byteCount <= smallest { return (max(byteCount, 1) + alignment - 1) & ~(alignment - 1) }
    let step = 1 << (Int.bitWidth - 1 - (byteCount - 1).leadingZeroBitCount - 2)
    return (byteCount + step - 1) & ~(step - 1)
  }

  package func allocate(_ byteCount: Int) -> (UnsafeMutableRawPointer, capacity: Int) {
    let capacity = Self.capacity(for: byteCount)
    if capacity > Self.smallest {
      let kept: UInt? = state.withLock { state in
        guard let address = state.free[capacity]?.popLast() else { return nil }
        state.freeBytes -= capacity
        return address
      }
      if let kept, let pointer = UnsafeMutableRawPointer(bitPattern: kept) { return (pointer, capacity) }
    }
    var pointer: UnsafeMutableRawPointer?
    let alignment = capacity >= 4 * Self.hugePage ? Self.hugePage : Self.alignment
    guard posix_memalign(&pointer, alignment, capacity) == 0, let pointer else {
      fatalError("out of memory: a block of \(byteCount) bytes could not be allocated")
    }
    // Many systems give huge pages to those only who ask. They cost one fault where small ones cost 512, and matrix
    // products on them miss fewer translations. Advice: where it isn't taken, nothing is lost.
    if alignment == Self.hugePage { madvise(pointer, capacity, MADV_HUGEPAGE) }
    return (pointer, capacity)
  }

  package func recycle(_ pointer: UnsafeMutableRawPointer, capacity: Int) {
    if capacity > Self.smallest {
      let kept = state.withLock { state in
        guard state.freeBytes + capacity <= Self.keepLimit else { return false }
        state.free[capacity, default: []].append(UInt(bitPattern: pointer))
        state.freeBytes += capacity
        return true
      }
      if kept { return }
    }
    free(pointer)
  }
}
