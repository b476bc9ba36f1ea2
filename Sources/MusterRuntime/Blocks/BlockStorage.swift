internal import Glibc
internal import MusterUnits

/// Memory of a block: `byteCount` bytes, aligned to 64, from the process's `BlockAllocator`, to which it returns when
/// the last reference goes.
///
/// `@unchecked Sendable` is safe by a rule that all of Muster keeps: whoever allocates a storage fills it before
/// anyone else sees it; from then on it is only read (or reused, or emptied, by a sole owner, after
/// `isKnownUniquelyReferenced` or where nobody else was given it).
public class BlockStorage: @unchecked Sendable {
  /// The first byte. Valid as long as the storage lives; writing is for the one that has just allocated it.
  public final let bytes: UnsafeMutableRawPointer
  /// The number of bytes that may be used.
  public final let byteCount: Int
  /// What the allocator gave, which may be more, less what the kernel has back already; 0 where it gave nothing.
  private(set) final var capacity: Int

  /// Uninitialised memory. Where there isn't that much, the process ends with a message; `init(allocating:for:)` throws.
  public convenience init(byteCount: Int) {
    do {
      try self.init(allocating: byteCount)
    } catch {
      Self.end(error)
    }
  }

  /// Uninitialised memory.
  ///
  /// - Precondition: `byteCount` isn't negative.
  /// - Parameter purpose: What it is for, in the error's words.
  /// - Throws: `MusterError` with code `outOfMemory`.
  public init(allocating byteCount: Int, for purpose: @autoclosure () -> String = "a block") throws(MusterError) {
    precondition(byteCount >= 0)
    guard let memory = BlockAllocator.shared.allocate(byteCount) else {
      throw MusterError(outOfMemoryFor: purpose(), byteCount: byteCount)
    }
    self.byteCount = byteCount
    (bytes, capacity) = memory
  }

  /// Memory of somebody else's.
  init(lent bytes: UnsafeRawBufferPointer) {
    self.bytes = UnsafeMutableRawPointer(mutating: bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 64)!)
    (byteCount, capacity) = (bytes.count, 0)
  }

  deinit {
    guard !isLent else { return }
    guard capacity < whole else { return BlockAllocator.shared.recycle(bytes, capacity: capacity) }
    _ = BlockAllocator.shared.giveBack(rest, of: whole)
  }

  /// Whether the memory is somebody else's.
  var isLent: Bool { capacity == 0 }

  /// What the allocator gave, of which the kernel may have some back.
  private var whole: Int { BlockAllocator.capacity(for: byteCount) }

  /// What the kernel hasn't got back.
  private var rest: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: bytes + (whole - capacity), count: capacity)
  }

  /// Gives the kernel the memory of the first so many bytes, which nobody reads any more, as far as that is of use: what
  /// they held may need the room. For a sole owner.
  func empty(upTo offset: Int) {
    guard !isLent else { return }
    let done = (offset & ~(HugePages.size - 1)) - (whole - capacity)
    // The last pages go with the storage.
    guard done > 0, done < capacity else { return }
    capacity -= BlockAllocator.shared.giveBack(UnsafeMutableRawBufferPointer(rebasing: rest[..<done]), of: whole)
  }

  /// Ends the process where memory has run out and the caller can't throw.
  package static func end(_ error: MusterError) -> Never {
    fflush(nil)
    StandardStreams.writeError("muster: fatal: \(error)\n")
    StandardStreams.letErrorsThrough()
    _exit(1)
  }
}

extension MusterError {
  /// - Parameter byteCount: nil where the number of bytes is beyond what can be counted.
  package init(outOfMemoryFor purpose: String, byteCount: Int?) {
    let size = byteCount.map { "\(ByteSize.text($0)) (\($0) bytes)" } ?? "more bytes than there are addresses"
    let used = ByteSize.text(BlockAllocator.shared.usedBytes)
    self.init(
      .outOfMemory, "out of memory: \(purpose) needs \(size), and blocks of this process hold \(used) already",
      fix: "Use smaller chunks or fewer threads, or ask the batch system for more memory")
  }
}
