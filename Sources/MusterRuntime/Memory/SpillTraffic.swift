internal import Synchronization

/// What this process has written to scratch files and read back, for tests and benchmarks: whether blocks went to disk.
package enum SpillTraffic {
  private static let written = Atomic<Int>(0)
  private static let read = Atomic<Int>(0)

  static func wrote(bytes: Int) { written.add(bytes, ordering: .relaxed) }
  static func read(bytes: Int) { read.add(bytes, ordering: .relaxed) }

  /// In bytes, since the process began.
  package static var counts: (written: Int, read: Int) {
    (written.load(ordering: .relaxed), read.load(ordering: .relaxed))
  }
}
