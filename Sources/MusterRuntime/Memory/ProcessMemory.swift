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

  /// The most that was ever resident, in bytes. nil where the kernel doesn't say.
  package static var highWater: Int? {
    let lines = SmallFile.read("/proc/self/status")?.utf8.split(separator: UInt8(ascii: "\n"))
    guard let line = lines?.first(where: { $0.starts(with: "VmHWM:".utf8) }) else { return nil }
    return Int(Substring(line).filter(\.isNumber)).map { $0 << 10 }
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

  /// The part of a memory limit from which on a piece is the kernel's again as soon as it's freed.
  private static let largePart = 64
  /// What `malloc` comes to keep of itself at the most, of a piece that was freed.
  private static let largestKept = 32 << 20

  /// Bounds what `malloc` keeps of freed memory, from now on. By default there are eight heaps for each processor, where
  /// what one thread has freed serves no other, and each comes to keep twice the largest piece that was freed, up to 64 MiB:
  /// with little memory for many threads that would be the larger part of it. What the environment says to `malloc`
  /// (`MALLOC_…_`) has precedence.
  ///
  /// - Parameter memoryLimit: In bytes; 0 where there is none.
  package static func boundHeaps(threads: Int, memoryLimit: Int, environment: [String: String]) {
    if environment["MALLOC_ARENA_MAX"] == nil { clinux_limit_arenas(Int32(clamping: 2 + max(0, threads))) }
    let large = memoryLimit / largePart
    guard memoryLimit > 0, large < largestKept, environment["MALLOC_MMAP_THRESHOLD_"] == nil,
      environment["MALLOC_TRIM_THRESHOLD_"] == nil
    else { return }
    clinux_limit_kept_heap(Int32(max(128 << 10, large)))
  }
}
