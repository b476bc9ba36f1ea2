package import MusterScheduling

/// What ends waits other than what they are for: time, and the end of tasks, ranks and graphs.
extension Coordinator {
  /// When `timePassed` has something to do next; nil where nothing depends on time.
  package var nextDeadline: Int? { deadlines.min?.time }

  /// Ends the waits whose time is over.
  package mutating func timePassed(at now: Int, into actions: inout [Action]) {
    var over: [CoordinationOwner: MusterError] = [:]
    while let first = deadlines.min, first.time <= now {
      deadlines.removeMin()
      guard let wait = waits[first.owner], wait.ticket == first.ticket else { continue }
      let since = objects[wait.key]!.waiters.elements.first { $0.ticket == wait.ticket }!.since
      over[first.owner] = timedOut(wait.key, owner: first.owner, after: first.time - since, at: now)
    }
    endWaits(over, into: &actions)
  }

  /// A task has ended, or has failed: what it still holds goes to the next.
  package mutating func ended(_ owner: CoordinationOwner, at now: Int, into actions: inout [Action]) {
    if let wait = waits[owner] {
      endWaits([owner: Self.cancelled(objects[wait.key]!.definition)], into: &actions)
    }
    for key in holdings.removeValue(forKey: owner) ?? [] {
      if let place = objects[key]!.holders.firstIndex(where: { $0.owner == owner }) {
        objects[key]!.holders.remove(at: place)
      }
      passOn(key, at: now, into: &actions)
    }
  }

  /// A rank is gone, and its tasks with it. Nobody is there for their answers.
  package mutating func rankLost(_ rank: Int, at now: Int, into actions: inout [Action]) {
    let lost = Set(waits.keys).union(holdings.keys).filter { $0 != .program && $0.rank == rank }
    var dropped: [Action] = []
    // Nothing is given to a task that is gone: all of them stop waiting first.
    endWaits(
      Dictionary(
        uniqueKeysWithValues: lost.compactMap { owner in
          waits[owner].map { (owner, Self.cancelled(objects[$0.key]!.definition)) }
        }), into: &dropped)
    for owner in lost.sorted(by: Self.isBefore) { ended(owner, at: now, into: &actions) }
  }

  /// A graph has failed: tasks of it that still run are to end, and none of them waits any more.
  package mutating func graphFailed(_ layers: Range<Int>, into actions: inout [Action]) {
    failedLayers.append(layers)
    endWaits(where: { layers.contains(Int($0.layer)) }, into: &actions)
  }

  /// Tasks were cancelled: those that still run are to end, and none of them waits any more.
  package mutating func cancelled(_ tasks: [TaskID], into actions: inout [Action]) {
    cancelledTasks.formUnion(tasks)
    let tasks = Set(tasks)
    endWaits(where: { tasks.contains($0) }, into: &actions)
  }

  /// A graph is over: none of its tasks runs any more.
  package mutating func forget(_ layers: Range<Int>) {
    failedLayers.removeAll { $0 == layers }
    if !cancelledTasks.isEmpty { cancelledTasks = cancelledTasks.filter { !layers.contains(Int($0.layer)) } }
  }

  /// Whether there are tasks that may run, and may not wait.
  var hasBarred: Bool { !failedLayers.isEmpty || !cancelledTasks.isEmpty }

  func isBarred(_ owner: CoordinationOwner) -> Bool {
    guard hasBarred, let task = owner.task else { return false }
    return cancelledTasks.contains(task) || failedLayers.contains { $0.contains(Int(task.layer)) }
  }

  private mutating func endWaits(where isOver: (TaskID) -> Bool, into actions: inout [Action]) {
    var over: [CoordinationOwner: MusterError] = [:]
    for (owner, wait) in waits where owner.task.map(isOver) == true {
      over[owner] = Self.cancelled(objects[wait.key]!.definition)
    }
    endWaits(over, into: &actions)
  }

  /// An owner doesn't want to wait any more: it gets an answer in any case, this one where it still waits.
  package mutating func withdraw(
    _ ticket: CoordinationTicket, of owner: CoordinationOwner, because error: MusterError, into actions: inout [Action]
  ) {
    guard waits[owner]?.ticket == ticket else { return }
    endWaits([owner: error], into: &actions)
  }

  static func isBefore(_ a: CoordinationOwner, _ b: CoordinationOwner) -> Bool {
    switch (a, b) {
    case (.program, .program), (.task, .program): false
    case (.program, .task): true
    case (.task(let rankA, let taskA, let attemptA), .task(let rank, let task, let attempt)):
      (rankA, taskA, attemptA) < (rank, task, attempt)
    }
  }

  /// Those who wait for one object get their errors in the order of their waiting.
  mutating func endWaits(_ errors: [CoordinationOwner: MusterError], into actions: inout [Action]) {
    guard !errors.isEmpty else { return }
    let keys = Set(errors.keys.compactMap { waits[$0]?.key })
    for key in keys.sorted(by: { ($0.kind.rawValue, $0.name) < ($1.kind.rawValue, $1.name) }) {
      for waiter in objects[key]!.waiters.elements {
        if let error = errors[waiter.owner] { actions.append(.answer(waiter.ticket, .failed(error))) }
      }
      objects[key]!.waiters.removeAll { errors[$0.owner] != nil }
    }
    for owner in errors.keys { waits[owner] = nil }
  }

  // MARK: Who has it

  /// - Parameter time: the timeout, in nanoseconds; the wait may have ended a little later.
  func timedOut(_ key: Key, owner: CoordinationOwner, after time: Int, at now: Int) -> MusterError {
    let object = objects[key]!
    let waiters = object.waiters.elements
    let before = waiters.prefix { $0.owner != owner }.count
    var text = "\(object.definition.text) "
    var fix = ""
    switch key.kind {
    case .lock, .semaphore:
      text += key.kind == .lock ? "wasn't free" : "had no lease free"
      text += " \(Self.within(time)): held by "
      text += Self.names(object.holders.map { "\($0.name) for \(Self.seconds(now - $0.since))" })
      if before > 0 { text += "; \(before) \(before == 1 ? "task waits" : "tasks wait") before this one" }
      fix = "Hold it for a shorter time, or wait for longer"
    case .event: text += "wasn't set \(Self.within(time))"
    case .variable: text += "wasn't set \(Self.within(time)) for the first time"
    case .queue:
      text += object.items.isEmpty ? "had nothing to get" : "had no room for another of \(object.items.count) items"
      text += " \(Self.within(time))"
      if before > 0 { text += "; \(before) \(before == 1 ? "task waits" : "tasks wait") before this one" }
    }
    return MusterError(.timedOut, text, fix: fix)
  }

  private static func within(_ nanoseconds: Int) -> String {
    nanoseconds <= 0 ? "at once" : "within \(seconds(nanoseconds))"
  }

  private static func seconds(_ nanoseconds: Int) -> String {
    Duration.milliseconds(nanoseconds / 1_000_000).text
  }
}
