package import MusterScheduling

/// The tasks with a time limit that threads run, and when their time is up. A value, used under its owner's lock.
package struct TimeLimits {
  package struct Entry {
    package var task: TaskID
    package var attempt: Attempt
    package var layer: RegisteredLayer
    package var deadline: Int

    var run: TaskRun { TaskRun(task, attempt) }
    func name(rank: Int) -> String { layer.name(of: task, attempt, rank: rank) }
  }

  private var entries: [Entry] = []

  package init() {}

  /// When the next task's time is up; nil while none has a limit.
  package var next: Int? { entries.lazy.map(\.deadline).min() }

  /// A thread begins a task.
  package mutating func began(_ task: TaskID, _ attempt: Attempt, _ layer: RegisteredLayer, at now: Int) {
    guard let timeout = layer.layer.timeout else { return }
    entries.append(Entry(task: task, attempt: attempt, layer: layer, deadline: now + timeout.nanoseconds))
  }

  /// A thread is done with a task, which has a limit or not. Returns whether that counts: it doesn't where its time was up
  /// before.
  package mutating func ended(_ run: TaskRun, isLimited: Bool) -> Bool {
    guard isLimited else { return true }
    guard let place = entries.firstIndex(where: { $0.run == run }) else { return false }
    entries.remove(at: place)
    return true
  }

  /// Takes the tasks whose time is up: they have failed.
  package mutating func takeOverdue(at now: Int) -> [Entry] {
    guard !entries.isEmpty else { return [] }
    let overdue = entries.filter { $0.deadline <= now }
    if !overdue.isEmpty { entries.removeAll { $0.deadline <= now } }
    return overdue
  }
}
