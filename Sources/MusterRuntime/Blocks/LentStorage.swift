/// Memory of somebody else's as a storage, without a copy.
///
/// `@unchecked Sendable` is safe: nobody writes to the bytes while the owner lives, and it lives as long as the storage.
final class LentStorage<Owner>: BlockStorage, @unchecked Sendable {
  private let owner: Owner

  /// - Parameter owner: Keeps the bytes where they are, and as they are, as long as it lives.
  init(_ bytes: UnsafeRawBufferPointer, of owner: Owner) {
    self.owner = owner
    super.init(lent: bytes)
  }
}
