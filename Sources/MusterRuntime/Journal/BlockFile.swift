internal import Glibc
internal import Synchronization

/// A file that blocks are written to, closed with its last reference: a thread that writes does so unharmed while another
/// drops it.
final class BlockFile: Sendable {
  let name: String
  let number: Int32
  private let length = Atomic<UInt64>(0)
  /// Something didn't come to disk, which the system says once: nothing more is told of that is here.
  let hasFailed = Atomic(false)
  /// Something has been told of that is here.
  let isTold: Atomic<Bool>
  /// How many threads have the file and haven't said what they wrote.
  let writerCount = Atomic(0)

  init(name: String, number: Int32, length: UInt64 = 0) {
    self.name = name
    self.number = number
    self.length.store(length, ordering: .relaxed)
    isTold = Atomic(length > 0)
  }
  deinit { _ = Glibc.close(number) }

  /// A place for so many bytes.
  func reserve(_ byteCount: Int) -> UInt64 { length.add(UInt64(byteCount), ordering: .relaxed).oldValue }
  var end: UInt64 { length.load(ordering: .relaxed) }
}
