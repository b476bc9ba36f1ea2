internal import Synchronization

/// What reading and writing chunks of files takes in this process, for sessions that report on it.
package enum FileTime {
  /// The figures of the process so far.
  package struct Totals: BitwiseCopyable, Hashable, Sendable {
    package var readBytes = 0
    package var reading = 0
    package var writtenBytes = 0
    package var writing = 0
    /// Outside of tasks: until files that were written are on disk, under their names.
    package var finishing = 0

    package init(readBytes: Int = 0, reading: Int = 0, writtenBytes: Int = 0, writing: Int = 0) {
      self.readBytes = readBytes
      self.reading = reading
      self.writtenBytes = writtenBytes
      self.writing = writing
    }

    static func - (a: Totals, b: Totals) -> Totals {
      var difference = Totals(
        readBytes: a.readBytes - b.readBytes, reading: a.reading - b.reading,
        writtenBytes: a.writtenBytes - b.writtenBytes, writing: a.writing - b.writing)
      difference.finishing = a.finishing - b.finishing
      return difference
    }
  }

  /// How many sessions want to know.
  private static let watchers = Atomic<Int>(0)
  private static let totals = Mutex(Totals())

  static var now: Totals { totals.withLock { $0 } }
  static func watch() { watchers.add(1, ordering: .relaxed) }
  /// Whether any session wants to know.
  static var isWatched: Bool { watchers.load(ordering: .relaxed) > 0 }
  static func unwatch() { watchers.subtract(1, ordering: .relaxed) }

  /// Reads a chunk of a file, of so many bytes of values.
  package static func reading<R>(_ bytes: Int, _ body: () throws -> R) rethrows -> R {
    try timed(body) {
      $0.readBytes += bytes
      $0.reading += $1
    }
  }

  /// Writes a chunk of a file, of so many bytes of values.
  package static func writing<R>(_ bytes: Int, _ body: () throws -> R) rethrows -> R {
    try timed(body) {
      $0.writtenBytes += bytes
      $0.writing += $1
    }
  }

  /// Has what was written on disk, or gives a file its name.
  package static func finishing<R>(_ body: () throws -> R) rethrows -> R {
    try timed(body, isInTask: false) { $0.finishing += $1 }
  }

  private static func timed<R>(
    _ body: () throws -> R, isInTask: Bool = true, _ count: @Sendable (inout Totals, Int) -> Void
  ) rethrows -> R {
    guard isWatched else { return try body() }
    let begin = MonotonicClock.nanoseconds
    defer {
      let time = MonotonicClock.nanoseconds - begin
      totals.withLock { count(&$0, time) }
      if isInTask { OwnTimes.add(time, to: \.files) }
    }
    return try body()
  }
}
