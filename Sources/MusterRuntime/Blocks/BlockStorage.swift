internal import Glibc
internal import MusterUnits

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

  deinit {
    BlockAllocator.shared.recycle(bytes, capacity: capacity)
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
