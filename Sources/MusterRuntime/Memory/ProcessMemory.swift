internal import CLinux
internal import Glibc

/// What this process holds of the machine's memory.
package enum ProcessMemory {
  /// The resident size, in bytes, of which `shared` is of files and of memory shared with other processes.
  package struct Resident: Equatable, Sendable {
    package var total: Int
    package var shared: Int
  }

  /// nil where the kernel doesn't say.
  package static var resident: Resident? {
    // Pages: the address space, what is resident, what of that is shared.
    guard let text = SmallFile.read("/proc/self/statm") else { return nil }
    let pages = text.split(separator: " ").prefix(3).compactMap { Int($0) }
    guard pages.count == 3 else { return nil }
    let size = Int(getpagesize())
    return Resident(total: pages[1] * size, shared: pages[2] * size)
  }

  /// The most that was resident since the last time that somebody asked, as far as blocks made the difference. nil where
  /// the kernel doesn't say.
  package static var recentPeak: Int? {
    resident.map { $0.total + BlockAllocator.shared.takePeak() }
  }

  /// Gives the kernel what is free within this process: what the block allocator keeps, and what `malloc` does, which
  /// gives back by itself only what is at the end of its heap.
  package static func trim() {
    BlockAllocator.shared.releaseKept()
    clinux_trim_heap()
  }

  /// Has at most so many heaps for all threads from now on. By default there are eight for each processor, and what one
  /// thread has freed in its own serves no other.
  package static func limitHeaps(to count: Int) { clinux_limit_arenas(Int32(clamping: max(1, count))) }
}
