import Glibc
import Synchronization

/// Keeps freed block memory for the next block of the same size class: the first touch of fresh pages from the kernel
/// costs as much as a pass over them.
///
/// What is kept is counted: at most a sixteenth of the memory limit, and no more than the blocks in use leave of the
/// limit. It goes back to the kernel where that would be passed, where the kernel has no more, and at a session's end.
///
/// Size classes are a quarter of a power of two apart, so at most a fifth of a block is lost to rounding. Small
/// blocks go to `malloc` directly, which keeps them itself; they aren't counted.
package final class BlockAllocator: Sendable {
  package static let shared = BlockAllocator(memoryLimit: MachineMemory.workerLimit(workersHere: 1))

  private static let alignment = 64
  private static let smallest = 64 << 10
  private static let page = 4096
  private static let hugePage = 2 << 20
  private static let keptPart = 16

  /// The freed memory of one size class, the last freed at the end.
  private struct SizeClass {
    var addresses: [UInt] = []
    /// When a block of it was last taken or given back, in such events.
    var lastUse = 0
  }

  private struct State: ~Copyable {
    var kept: [Int: SizeClass] = [:]
    var keptBytes = 0
    var usedBytes = 0
    /// The most that was used and kept since somebody asked.
    var peakBytes = 0
    var memoryLimit: Int
    var uses = 0

    /// Forgets memory of the classes used longest ago, for as many bytes; the caller frees it.
    mutating func evict(atLeast bytes: Int, except spared: Int? = nil) -> [(address: UInt, capacity: Int)] {
      var evicted: [(address: UInt, capacity: Int)] = []
      var left = min(bytes, keptBytes)
      while left > 0 {
        let oldest = kept.lazy.filter { $0.key != spared && !$0.value.addresses.isEmpty }
          .min { $0.value.lastUse < $1.value.lastUse }
        guard let capacity = oldest?.key else { break }
        while left > 0, let address = kept[capacity]?.addresses.popLast() {
          evicted.append((address, capacity))
          keptBytes -= capacity
          left -= capacity
        }
      }
      return evicted
    }

    mutating func use(_ capacity: Int) {
      uses += 1
      kept[capacity, default: SizeClass()].lastUse = uses
    }
  }
  private let state: Mutex<State>

  /// - Parameter memoryLimit: What blocks may take, in bytes. It bounds what is kept, not what is given out.
  package init(memoryLimit: Int) {
    state = Mutex(State(memoryLimit: memoryLimit))
  }

  deinit { releaseKept() }

  /// What blocks may take, in bytes. It bounds what is kept, not what is given out.
  package var memoryLimit: Int {
    get { state.withLock { $0.memoryLimit } }
    set {
      giveBack(
        state.withLock { state in
          state.memoryLimit = newValue
          return state.evict(atLeast: state.keptBytes - newValue / Self.keptPart)
        })
    }
  }

  /// Freed memory that is kept for later blocks, in bytes.
  package var keptBytes: Int { state.withLock { $0.keptBytes } }
  /// The memory of the blocks in use but for small ones, in bytes.
  package var usedBytes: Int { state.withLock { $0.usedBytes } }

  /// How much more was used and kept at the most, since this was last asked, than is now.
  package func takePeak() -> Int {
    state.withLock { state in
      let now = state.usedBytes + state.keptBytes
      defer { state.peakBytes = now }
      return max(0, state.peakBytes - now)
    }
  }

  package static func capacity(for byteCount: Int) -> Int {
    if byteCount <= smallest { return (max(byteCount, 1) + alignment - 1) & ~(alignment - 1) }
    let step = 1 << (Int.bitWidth - 1 - (byteCount - 1).leadingZeroBitCount - 2)
    return (byteCount + step - 1) & ~(step - 1)
  }

  /// Memory of at least as many bytes, or nil where there is no more, not even after what was kept is given back.
  package func allocate(_ byteCount: Int) -> (pointer: UnsafeMutableRawPointer, capacity: Int)? {
    // Rounding up would overflow.
    guard byteCount <= Int.max / 2 else { return nil }
    let capacity = Self.capacity(for: byteCount)
    guard capacity > Self.smallest else {
      return Self.fresh(capacity).map { ($0, capacity) }
    }
    var evicted: [(address: UInt, capacity: Int)] = []
    let kept: UInt? = state.withLock { state in
      state.use(capacity)
      state.usedBytes += capacity
      if let address = state.kept[capacity]?.addresses.popLast() {
        state.keptBytes -= capacity
        return address
      }
      evicted = state.evict(atLeast: state.usedBytes + state.keptBytes - state.memoryLimit)
      state.peakBytes = max(state.peakBytes, state.usedBytes + state.keptBytes)
      return nil
    }
    giveBack(evicted)
    if let kept, let pointer = UnsafeMutableRawPointer(bitPattern: kept) { return (pointer, capacity) }
    if let pointer = Self.fresh(capacity) { return (pointer, capacity) }
    releaseKept()
    if let pointer = Self.fresh(capacity) { return (pointer, capacity) }
    state.withLock { $0.usedBytes -= capacity }
    return nil
  }

  /// Takes memory back that `allocate` gave.
  package func recycle(_ pointer: UnsafeMutableRawPointer, capacity: Int) {
    guard capacity > Self.smallest else {
      free(pointer)
      return
    }
    let evicted = state.withLock { state in
      state.usedBytes -= capacity
      state.use(capacity)
      let room = min(state.memoryLimit / Self.keptPart, state.memoryLimit - state.usedBytes)
      guard capacity <= room else { return [(UInt(bitPattern: pointer), capacity)] }
      var evicted = state.evict(atLeast: state.keptBytes + capacity - room, except: capacity)
      if state.keptBytes + capacity <= room {
        state.kept[capacity, default: SizeClass()].addresses.append(UInt(bitPattern: pointer))
        state.keptBytes += capacity
      } else {
        evicted.append((UInt(bitPattern: pointer), capacity))
      }
      return evicted
    }
    giveBack(evicted)
  }

  /// Gives all that is kept back to the kernel.
  package func releaseKept() {
    giveBack(state.withLock { $0.evict(atLeast: $0.keptBytes) })
  }

  private static func fresh(_ capacity: Int) -> UnsafeMutableRawPointer? {
    var pointer: UnsafeMutableRawPointer?
    // Whole pages go to disk and back without a copy.
    let alignment = capacity >= 4 * hugePage ? hugePage : capacity > smallest ? page : alignment
    guard posix_memalign(&pointer, alignment, capacity) == 0 else { return nil }
    // Many systems give huge pages to those only who ask. They cost one fault where small ones cost 512, and matrix
    // products on them miss fewer translations. Advice: where it isn't taken, nothing is lost.
    if alignment == hugePage { madvise(pointer, capacity, MADV_HUGEPAGE) }
    return pointer
  }

  /// `free` alone would leave the pages of all but very large blocks with the process.
  private func giveBack(_ memory: [(address: UInt, capacity: Int)]) {
    guard !memory.isEmpty else { return }
    let page = UInt(getpagesize())
    for (address, capacity) in memory {
      let first = (address + page - 1) & ~(page - 1)
      let end = (address + UInt(capacity)) & ~(page - 1)
      if first < end { madvise(UnsafeMutableRawPointer(bitPattern: first), Int(end - first), MADV_DONTNEED) }
      free(UnsafeMutableRawPointer(bitPattern: address))
    }
  }
}
