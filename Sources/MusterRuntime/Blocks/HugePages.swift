import Glibc
import Synchronization

/// Memory from the kernel in huge pages, one mapping right below the other: so free memory of neighbours can be one.
final class HugePages: Sendable {
  /// Of one, in bytes.
  static let size = 2 << 20

  /// Where the last ones came from.
  private let lowest = Atomic<UInt>(0)

  /// As many bytes, or a few more, so that they are whole pages.
  static func roundUp(_ byteCount: Int) -> Int { (byteCount + size - 1) & ~(size - 1) }

  /// Fresh pages, or nil where there are no more.
  ///
  /// - Parameter byteCount: of whole pages.
  func map(_ byteCount: Int) -> UnsafeMutableRawPointer? {
    let start =
      Self.map(byteCount, below: lowest.load(ordering: .relaxed)) ?? Self.map(byteCount, below: Self.topOfRoom())
      ?? Self.mapAnywhere(byteCount)
    guard let start, let pointer = UnsafeMutableRawPointer(bitPattern: start) else { return nil }
    lowest.store(start, ordering: .relaxed)
    // Many systems give huge pages to those only who ask. They cost one fault where small ones cost 512, and matrix
    // products on them miss fewer translations. Advice: where it isn't taken, nothing is lost.
    madvise(pointer, byteCount, MADV_HUGEPAGE)
    return pointer
  }

  /// Gives pages back, of one mapping or of several that are neighbours.
  static func unmap(_ start: UInt, _ byteCount: Int) {
    guard byteCount > 0, munmap(UnsafeMutableRawPointer(bitPattern: start), byteCount) != 0 else { return }
    // The kernel may have no room for one mapping more, which a hole in a larger one makes: then only the addresses stay.
    madvise(UnsafeMutableRawPointer(bitPattern: start), byteCount, MADV_DONTNEED)
  }

  /// Fresh pages right below an address that is a multiple of huge pages, if nothing is there.
  private static func map(_ byteCount: Int, below end: UInt) -> UInt? {
    guard end > UInt(byteCount), let start = map(byteCount, at: end - UInt(byteCount)) else { return nil }
    if start == end - UInt(byteCount) { return start }
    unmap(start, byteCount)
    return nil
  }

  private static func mapAnywhere(_ byteCount: Int) -> UInt? {
    guard let start = map(byteCount + size, at: 0) else { return nil }
    let aligned = UInt(roundUp(Int(start)))
    unmap(start, Int(aligned - start))
    unmap(aligned + UInt(byteCount), size - Int(aligned - start))
    return aligned
  }

  /// The end of much free address space, as far as the process may have that; else 0. Nobody keeps it free.
  private static func topOfRoom() -> UInt {
    let room = 1 << 36
    guard let start = map(room, at: 0, protection: PROT_NONE) else { return 0 }
    unmap(start, room)
    return (start + UInt(room)) & ~(UInt(size) - 1)
  }

  private static func map(_ byteCount: Int, at hint: UInt, protection: Int32 = PROT_READ | PROT_WRITE) -> UInt? {
    let pointer = mmap(
      UnsafeMutableRawPointer(bitPattern: hint), byteCount, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    return pointer == MAP_FAILED ? nil : pointer.map { UInt(bitPattern: $0) }
  }
}
