internal import Synchronization

/// Has large values that go to disk, or to other ranks, as JSON be coded one after the other: Foundation's coders take
/// several times a value's memory for a moment, and a worker's memory limit is meant for that too.
///
/// `@unchecked Sendable` is safe: `taken` is used with `condition` locked only.
package final class CodingGate: @unchecked Sendable {
  static let shared = CodingGate()

  /// How many times the memory of a value its coding takes at most, as measured: 5 to 8 for lists of numbers, 2 to 4 for
  /// texts and structs of both.
  static let encodingFactor = 8
  /// The same of the length of its JSON, for the way back.
  static let decodingFactor = 10
  /// What may be taken at a time is such a part of the memory limit.
  static let part = 8
  /// What takes less than such a part of that passes freely.
  private static let smallPart = 16

  private let limit = Atomic<Int>(0)
  private let condition = ConditionLock()
  private var taken = 0

  package init() {}

  /// What may be taken at a time, in bytes, but that one value always may; 0 for any number.
  package func setMemoryLimit(_ bytes: Int) { limit.store(bytes / Self.part, ordering: .relaxed) }

  /// Does something that takes `bytes` of memory for a moment, when there is room for it.
  package func withRoom<R>(for bytes: Int, _ body: () throws -> R) rethrows -> R {
    let limit = limit.load(ordering: .relaxed)
    guard limit > 0, bytes > limit / Self.smallPart else { return try body() }
    condition.lock()
    while taken > 0 && taken + bytes > limit { condition.wait() }
    taken += bytes
    condition.unlock()
    defer {
      condition.lock()
      taken -= bytes
      condition.broadcast()
      condition.unlock()
    }
    return try body()
  }
}
