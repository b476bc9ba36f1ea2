/// Memory of a block: `byteCount` bytes, aligned to 64, from the process's `BlockAllocator`, to which it returns when
/// the last reference goes.
///
/// `@unchecked Sendable` is safe by a rule that all of Muster keeps: whoever allocates a storage fills it before
/// anyone else sees it; from then on it is only read (or reused by a sole owner, after
/// `isKnownUniquelyReferenced`).
public final class BlockStorage: @unchecked Sendable {
  /// The first byte. Valid as long as the storage lives; writing is for the one that has just allocated it.
  public let bytes: UnsafeMutableRawPointer
  /// The number of bytes that may be used.
  public let byteCount: Int
  /// What the allocator gave, which may be more.
  let capacity: Int

  /// Uninitialised memory.
  ///
  /// - Precondition: `byteCount` isn't negative.
  public init(byteCount: Int) {
    precondition(byteCount >= 0)
    self.byteCount = byteCount
    (bytes, capacity) = BlockAllocator.shared.allocate(byteCount)
  }

  deinit {
    BlockAllocator.shared.recycle(bytes, capacity: capacity)
  }
}
