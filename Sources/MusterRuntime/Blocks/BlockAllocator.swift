import Glibc
import Synchronization

/// Keeps freed block memory for the next block: the first touch of fresh pages from the kernel costs as much as a pass
/// over them.
///
/// What is kept is counted: at most a sixteenth of the memory limit, and no more than the blocks in use leave of the
/// limit. It goes back to the kernel where that would be passed, where the kernel has no more, and at a session's end.
///
/// Large blocks are huge pages from the kernel. What they leave is kept as address space, in which neighbours become
/// one, so that it serves blocks of any size. Those of middle size go to `malloc`, and what they leave serves blocks of
/// the same size class; the classes are a quarter of a power of two apart. At most a fifth of a block is lost to rounding,
/// of one a little larger than 6 or 8 MiB a quarter. Small blocks go to `malloc` directly, which keeps them itself; they
/// aren't counted.
package final class BlockAllocator: Sendable {
  package static let shared = BlockAllocator(memoryLimit: MachineMemory.workerLimit(workersHere: 1))

  private static let alignment = 64
  private static let smallest = 64 << 10
  private static let page = 4096
  private static let smallestLarge = 4 * HugePages.size
  private static let keptPart = 16

  /// The freed memory of one size class, the last freed at the end.
  private struct SizeClass {
    var addresses: [UInt] = []
    /// When a block of it was last taken or given back, in such events.
    var lastUse = 0
  }

  /// Memory that goes back to where it came from.
  private struct Piece {
    var address: UInt
    var byteCount: Int
    /// From the kernel; else from `malloc`.
    var isPages: Bool
  }

  private struct State: ~Copyable {
    var kept: [Int: SizeClass] = [:]
    var extents = FreeExtents()
    var keptBytes = 0
    var usedBytes = 0
    /// The most that was used and kept since somebody asked.
    var peakBytes = 0
    var memoryLimit: Int
    var uses = 0

    /// Forgets what was used longest ago, for as many bytes; the caller frees it.
    ///
    /// - Parameter spared: The capacity of a size class of which none is forgotten.
    mutating func evict(atLeast bytes: Int, except spared: Int? = nil) -> [Piece] {
      var evicted: [Piece] = []
      var left = min(bytes, keptBytes)
      while left > 0 {
        let oldest = kept.lazy.filter { $0.key != spared && !$0.value.addresses.isEmpty }
          .min { $0.value.lastUse < $1.value.lastUse }
        if let extent = extents.oldest, oldest.map({ extent.lastUse < $0.value.lastUse }) ?? true,
          let part = extents.evict(HugePages.roundUp(left))
        {
          evicted.append(Piece(address: part.start, byteCount: part.length, isPages: true))
          keptBytes -= part.length
          left -= part.length
          continue
        }
        guard let capacity = oldest?.key else { break }
        while left > 0, let address = kept[capacity]?.addresses.popLast() {
          evicted.append(Piece(address: address, byteCount: capacity, isPages: false))
          keptBytes -= capacity
          left -= capacity
        }
      }
      return evicted
    }

    mutating func use(_ capacity: Int) {
      uses += 1
      if capacity < smallestLarge { kept[capacity, default: SizeClass()].lastUse = uses }
    }

    mutating func takeKept(_ capacity: Int) -> UInt? {
      let address = capacity < smallestLarge ? kept[capacity]?.addresses.popLast() : extents.take(capacity)
      if address != nil { keptBytes -= capacity }
      return address
    }

    mutating func keep(_ address: UInt, capacity: Int) {
      if capacity < smallestLarge {
        kept[capacity, default: SizeClass()].addresses.append(address)
      } else {
        extents.insert(start: address, length: capacity, lastUse: uses)
      }
      keptBytes += capacity
    }
  }
  private let state: Mutex<State>
  private let pages = HugePages()

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
    if byteCount > smallestLarge - HugePages.size { return HugePages.roundUp(byteCount) }
    let step = 1 << (Int.bitWidth - 1 - (byteCount - 1).leadingZeroBitCount - 2)
    return (byteCount + step - 1) & ~(step - 1)
  }

  /// Memory of at least as many bytes, or nil where there is no more, not even after what was kept is given back.
  package func allocate(_ byteCount: Int) -> (pointer: UnsafeMutableRawPointer, capacity: Int)? {
    // No address space has as much, and sums of such don't overflow.
    guard byteCount <= 1 << 56 else { return nil }
    let capacity = Self.capacity(for: byteCount)
    guard capacity > Self.smallest else {
      return fresh(capacity).map { ($0, capacity) }
    }
    var evicted: [Piece] = []
    let kept: UInt? = state.withLock { state in
      state.use(capacity)
      state.usedBytes += capacity
      if let address = state.takeKept(capacity) { return address }
      evicted = state.evict(atLeast: state.usedBytes + state.keptBytes - state.memoryLimit)
      state.peakBytes = max(state.peakBytes, state.usedBytes + state.keptBytes)
      return nil
    }
    giveBack(evicted)
    if let kept, let pointer = UnsafeMutableRawPointer(bitPattern: kept) { return (pointer, capacity) }
    if let pointer = fresh(capacity) { return (pointer, capacity) }
    releaseKept()
    if let pointer = fresh(capacity) { return (pointer, capacity) }
    state.withLock {
      $0.usedBytes -= capacity
      $0.peakBytes = $0.usedBytes + $0.keptBytes
    }
    return nil
  }

  /// Gives the kernel a part of memory that `allocate` gave, the rest of which is in use, or goes this way, too.
  ///
  /// - Parameters:
  ///   - part: Of that, in whole huge pages where it isn't the rest.
  ///   - capacity: Of all of it.
  /// - Returns: How many bytes have gone: none where it isn't worth it.
  package func giveBack(_ part: UnsafeMutableRawBufferPointer, of capacity: Int) -> Int {
    guard let start = part.baseAddress, part.count > 0, capacity >= Self.smallestLarge else { return 0 }
    HugePages.unmap(UInt(bitPattern: start), part.count)
    state.withLock { $0.usedBytes -= part.count }
    return part.count
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
      let piece = Piece(
        address: UInt(bitPattern: pointer), byteCount: capacity, isPages: capacity >= Self.smallestLarge)
      guard capacity <= room else { return [piece] }
      var evicted = state.evict(atLeast: state.keptBytes + capacity - room, except: capacity)
      if state.keptBytes + capacity <= room {
        state.keep(piece.address, capacity: capacity)
      } else {
        evicted.append(piece)
      }
      return evicted
    }
    giveBack(evicted)
  }

  /// Gives all that is kept back to the kernel.
  package func releaseKept() {
    giveBack(state.withLock { $0.evict(atLeast: $0.keptBytes) })
  }

  private func fresh(_ capacity: Int) -> UnsafeMutableRawPointer? {
    guard capacity < Self.smallestLarge else { return pages.map(capacity) }
    var pointer: UnsafeMutableRawPointer?
    // Whole pages go to disk and back without a copy.
    let alignment = capacity > Self.smallest ? Self.page : Self.alignment
    return posix_memalign(&pointer, alignment, capacity) == 0 ? pointer : nil
  }

  private func giveBack(_ pieces: [Piece]) {
    guard !pieces.isEmpty else { return }
    let page = UInt(getpagesize())
    for piece in pieces {
      guard !piece.isPages else {
        HugePages.unmap(piece.address, piece.byteCount)
        continue
      }
      // `free` alone would leave the pages with the process.
      let first = (piece.address + page - 1) & ~(page - 1)
      let end = (piece.address + UInt(piece.byteCount)) & ~(page - 1)
      if first < end { madvise(UnsafeMutableRawPointer(bitPattern: first), Int(end - first), MADV_DONTNEED) }
      free(UnsafeMutableRawPointer(bitPattern: piece.address))
    }
  }
}
