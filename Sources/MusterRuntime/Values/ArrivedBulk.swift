/// Bulk memory of a value that has come, on its way to where it stays: into arrays of Swift's.
///
/// Not `Sendable`: used on one thread.
struct ArrivedBulk {
  private let storage: BlockStorage
  /// Nobody else reads it: it goes as it is copied, so that both take little more memory than one.
  private let isLast: Bool
  private var offset = 0

  /// What is copied before it goes.
  private static let step = HugePages.size

  init(_ storage: BlockStorage, isLast: Bool) {
    self.storage = storage
    self.isLast = isLast
  }

  var byteCount: Int { storage.byteCount }
  var bytesLeft: Int { storage.byteCount - offset }

  /// All bytes.
  ///
  /// - Precondition: None was copied.
  func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    precondition(offset == 0)
    return try withExtendedLifetime(storage) {
      // Safe: the storage lives as long as they are read.
      try body(UnsafeRawBufferPointer(start: storage.bytes, count: storage.byteCount))
    }
  }

  /// Copies the next bytes.
  ///
  /// - Precondition: So many are left.
  mutating func copy(_ byteCount: Int, to target: UnsafeMutableRawPointer) {
    precondition(byteCount >= 0 && byteCount <= bytesLeft)
    var done = 0
    while done < byteCount {
      let count = min(Self.step, byteCount - done)
      (target + done).copyMemory(from: storage.bytes + offset, byteCount: count)
      done += count
      offset += count
      if isLast { storage.empty(upTo: offset) }
    }
  }
}
