/// A value that workers can keep once it is computed: an array, a delayed value, or a list of such.
public protocol Persistable: GraphValue {
  /// The same value, made of blocks that workers keep. For use by `persist`.
  func persisted(_ tasks: PersistedTasks) -> Self
}

/// Tasks whose blocks workers keep for a value, until nothing holds it any more.
public struct PersistedTasks: Sendable {
  /// Those of each source that the value has.
  let parts: [KeptTasks]
  /// The number of the call that asked for it.
  package let number: Int

  /// Those of a value with one source.
  package var kept: KeptTasks { parts[0] }
}

extension Persistable {
  /// Begins to compute the value on the workers, which keep it there: returns at once with the same value, whose use costs
  /// no computing any more. The memory is free again when nothing holds what this returns, nor what was made of it; what
  /// hasn't been computed by then isn't.
  ///
  ///     let clean = try raw.mapBlocks { despike($0) }.persist()
  ///     let mean = try await clean.mean().compute()          // despikes
  ///     let spread = try await clean.standardDeviation().compute()   // doesn't again
  ///
  /// An error that computing it meets is thrown by the collectives that use it.
  ///
  /// - Parameter checkpointed: whether what is computed is kept on disk, too, in a session with a journal: a run that goes
  ///   on after this one reads it, where other values that workers kept are computed again. It takes space beside the
  ///   journal as long as something holds what this returns, or what was persisted of it without a checkpoint. Without a
  ///   journal nothing is kept on disk.
  /// - Throws: `MusterError`: the error that building the value met, `invalidArgument` for a checkpoint of what workers
  ///   keep already without one, or `session` after the session's end.
  public func persist(
    checkpointed: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) throws -> Self {
    var sources = GraphSources()
    _ = reader(adding: &sources)
    guard let session = sources.all.first?.session else { return self }
    return try session.persist(self, checkpointed: checkpointed, file: file, line: line)
  }

  /// Has what `persist()` returned not be computed any further: its tasks that no worker has begun don't run, nor do those
  /// that only they need. What runs comes to its end, and what it makes is dropped. Collectives that use the value, and
  /// futures, throw `cancelled`. What is there by then stays: a value of which all is there is as good as before.
  ///
  /// Every rank has to make the call. Other values that the same call persisted, and others made of the value that was
  /// persisted, are computed as if nothing had happened.
  ///
  /// - Throws: `MusterError` with code `invalidArgument` where this isn't what `persist()` returned, but something made of
  ///   it, or a value that isn't being computed at all; `session`, in a task.
  public func cancel(file: StaticString = #fileID, line: UInt = #line) throws {
    var sources = GraphSources()
    _ = reader(adding: &sources)
    let callSite = CallSite(file: file, line: line)
    // A value that every rank has is made of nothing.
    guard let session = sources.all.first?.session else { return }
    let tasks = try sources.all.flatMap { source in
      guard let kept = source.kept else {
        throw MusterError(
          .invalidArgument, "a value was to be cancelled that workers don't keep",
          fix: "Call cancel() on what persist() returned; other values aren't computed before they are asked for",
          callSite: callSite)
      }
      return kept.tasks
    }
    try session.cancel(tasks, operation: "cancel", callSite: callSite)
  }
}

extension Session {
  /// Begins to compute several values on the workers, which keep them there; what they share is computed once.
  ///
  /// - Parameter checkpointed: as of `persist()` of a value.
  /// - Returns: the same values, made of what the workers keep: see `persist()` of a value.
  /// - Throws: `MusterError`, as that.
  public func persist<each P: Persistable>(
    _ values: repeat each P, checkpointed: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) throws -> (repeat each P) {
    var all = GraphSources()
    var counts: [Int] = []
    for value in repeat each values {
      let before = all.all.count
      _ = value.reader(adding: &all)
      counts.append(all.all.count - before)
    }
    let sources = all.all
    if checkpointed, sources.contains(where: { $0.kept.map { !$0.isCheckpointed } ?? false }) {
      throw MusterError(
        .invalidArgument, "a value was to be checkpointed that workers keep already",
        fix: "Ask for the checkpoint where it's persisted first: persist(checkpointed: true)",
        callSite: CallSite(file: file, line: line))
    }
    let plan = try GraphLowering.plan(for: sources, session: self)
    let taskCounts = sources.map(\.taskCount)
    var call = Call(kind(of: "persist", at: SourcePlace(file: file, line: line)), sources: CallSources(sources))
    // Whether it's kept beside a journal is to be the same on every rank, and in every run.
    if checkpointed { call.detail = "checkpointed" }
    let submitted = try submit(plan, call: call, isCheckpointed: checkpointed)
    var next = 0
    var source = 0
    var place = 0
    func take() -> PersistedTasks {
      defer { place += 1 }
      let parts = (0..<counts[place]).map { _ in
        let tasks = Array(submitted.tasks[next..<next + taskCounts[source]])
        next += taskCounts[source]
        source += 1
        return KeptTasks(session: self, graph: submitted.graph, tasks: tasks, isCheckpointed: checkpointed)
      }
      return PersistedTasks(parts: parts, number: submitted.number)
    }
    return (repeat (each values).persisted(take()))
  }
}

extension Array: Persistable where Element: Persistable {
  /// The same values, kept by workers each by itself. For use by `persist`.
  public func persisted(_ tasks: PersistedTasks) -> [Element] {
    var rest = tasks.parts[...]
    return map { element in
      var sources = GraphSources()
      _ = element.reader(adding: &sources)
      let own = PersistedTasks(parts: [KeptTasks](rest.prefix(sources.all.count)), number: tasks.number)
      rest = rest.dropFirst(sources.all.count)
      return element.persisted(own)
    }
  }
}

extension Delayed: Persistable {
  /// The same value, kept by a worker. For use by `persist`.
  public func persisted(_ tasks: PersistedTasks) -> Delayed {
    Delayed(node: DelayedNode(node, kept: tasks.kept, number: tasks.number))
  }
}
