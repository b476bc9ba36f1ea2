internal import Synchronization

/// Where the engine writes how far it is, and the reporter reads it: two counters, so that a task pays one addition.
package final class ProgressBoard: Sendable {
  private let finished = Atomic<Int>(0)
  private let total = Atomic<Int>(0)
  /// Counts the collectives begun; odd while one runs.
  private let phase = Atomic<Int>(0)
  private let operation = Mutex("")

  func name(_ text: String) { operation.withLock { $0 = text } }

  package init() {}

  package func begin(total count: Int) {
    finished.store(0, ordering: .relaxed)
    total.store(count, ordering: .relaxed)
    phase.add(1, ordering: .releasing)
  }

  func taskFinished(_ count: Int = 1) { finished.add(count, ordering: .relaxed) }
  func set(finished count: Int) { finished.store(count, ordering: .relaxed) }

  /// A collective that was refused before it began is ended too: then there is nothing to do.
  package func end() {
    if phase.load(ordering: .relaxed) % 2 == 1 { phase.add(1, ordering: .releasing) }
  }

  package struct Snapshot: Equatable {
    var phase: Int
    var finished: Int
    var total: Int
    var operation: String

    package init(phase: Int, finished: Int, total: Int, operation: String) {
      self.phase = phase
      self.finished = finished
      self.total = total
      self.operation = operation
    }

    package var isRunning: Bool { phase % 2 == 1 }
  }

  package var snapshot: Snapshot {
    Snapshot(
      phase: phase.load(ordering: .acquiring), finished: finished.load(ordering: .relaxed),
      total: total.load(ordering: .relaxed), operation: operation.withLock { $0 })
  }
}
