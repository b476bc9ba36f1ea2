/// Numbers of a coded value that have come apart from it, until the value has them.
///
/// A class, since who reads the value may ask for them more than once. Not `Sendable`: used on one thread.
final class CodedBulk {
  private var arrived: ArrivedBulk
  /// What they have become: the memory in which they came may be empty from then on.
  private var taken: (any CodedNumbers)?

  init(_ arrived: ArrivedBulk) { self.arrived = arrived }

  var byteCount: Int { arrived.byteCount }

  /// All of them.
  func numbers<A: CodedNumbers>(as type: A.Type) -> A {
    guard let taken else {
      let new = A(numbers: byteCount) { arrived.copy(byteCount, to: $0) }
      taken = new
      return new
    }
    // A cast alone would look into the elements.
    if Swift.type(of: taken) == type, let same = taken as? A { return same }
    return A(numbers: byteCount) { target in
      taken.withNumbers { if let start = $0.baseAddress { target.copyMemory(from: start, byteCount: $0.count) } }
    }
  }

  func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
    guard let taken else { return arrived.withBytes(body) }
    var result: R?
    taken.withNumbers { result = body($0) }
    return result!
  }
}
