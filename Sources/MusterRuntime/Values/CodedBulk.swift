/// Numbers of a coded value that have come apart from it, until the value has them.
///
/// A class, since who reads the value may ask for them more than once. Not `Sendable`: used on one thread.
final class CodedBulk {
  private var arrived: ArrivedBulk
  /// What they have become: the memory in which they came may be empty from then on.
  private var taken: (value: Any, storage: BlockStorage)?

  init(_ arrived: ArrivedBulk) { self.arrived = arrived }

  var byteCount: Int { arrived.byteCount }

  /// All of them.
  func numbers<A: CodedNumbers>(as type: A.Type) -> A {
    take(as: type, \.lentStorage) { A(numbers: byteCount, filledBy: $0) }
  }

  /// All of them, where they are structs.
  func records<A: CodedRecords>(as type: A.Type) -> A {
    take(as: type, \.lentStorage) { A(bytes: byteCount, filledBy: $0) }
  }

  private func take<A>(
    as type: A.Type, _ lent: (A) -> BlockStorage, _ make: ((UnsafeMutableRawPointer) -> Void) -> A
  ) -> A {
    guard let taken else {
      let new = make { arrived.copy(byteCount, to: $0) }
      taken = (new, lent(new))
      return new
    }
    // A cast alone would look into the elements.
    if Swift.type(of: taken.value) == type, let same = taken.value as? A { return same }
    return make { $0.copyMemory(from: taken.storage.bytes, byteCount: byteCount) }
  }

  func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    guard let taken else { return try arrived.withBytes(body) }
    return try withExtendedLifetime(taken.storage) {
      try body(UnsafeRawBufferPointer(start: taken.storage.bytes, count: byteCount))
    }
  }
}
