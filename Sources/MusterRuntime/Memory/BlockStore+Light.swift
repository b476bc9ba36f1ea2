package import MusterScheduling

/// Short cuts for blocks that never leave memory, of tasks that nobody waits for memory with: graphs of millions of small
/// tasks pay for little more than the dictionary.
extension BlockStore {
  /// Whether a task with these inputs, which are here, needn't be told of: it takes what never leaves memory, makes no
  /// more than that, and there is room.
  package func isLight(_ task: TaskID, inputs: [TaskID], outputBytes: Int) -> Bool {
    if isLight(task, outputBytes: outputBytes) { return true }
    guard isSmall(outputBytes), !makesMuch(task) else { return false }
    // How much a task makes isn't always known.
    return memoryBytes + reservedBytes <= marks.high && inputs.allSatisfy { small.contains($0) }
  }

  /// Whether a task that makes so much needn't be told of, whatever its inputs are, which are here.
  package func isLight(_ task: TaskID, outputBytes: Int) -> Bool {
    holdsSmallOnly && isSmall(outputBytes) && (memoryBytes <= marks.high || marks.limit == 0) && !makesMuch(task)
  }

  /// Whether a task that nobody has told of was taken for light, and isn't by what is known now.
  package func needsRoom(_ task: TaskID) -> Bool { marks.limit > 0 && makesMuch(task) && !wants(.task(task)) }

  /// A task that was taken for light has begun before it was known not to be: what it makes is expected, and nothing more
  /// is let in for that. Of a process's own threads each says so itself when it has ended one, before it begins the next.
  ///
  /// - Parameter isIdle: Whether it waits for others now.
  package mutating func noteRunning(_ task: TaskID, isIdle: Bool, into actions: inout [Action]) {
    guard needsRoom(task) else { return }
    want(.task(task), inputs: [], priority: .min)
    demands[.task(task)]!.isLetIn = true
    demands[.task(task)]!.isIdle = isIdle
    letInCount += 1
    if isIdle { idleCount += 1 }
    reservedBytes += demands[.task(task)]!.outputBytes
    settle(into: &actions)
  }

  private func makesMuch(_ task: TaskID) -> Bool { !seen.isEmpty && seen[task.layer] != nil }

  /// A task of a layer has made a block that isn't small: what others of it are expected to make follows.
  mutating func see(_ bytes: Int, of layer: UInt32) {
    // A program may submit calls for ever, each of which is a layer.
    if seen.count >= 1024 { seen = [:] }
    guard bytes > seen[layer] ?? 0 else { return }
    if seen[layer] == nil { unexpected.append(layer) }
    seen[layer] = bytes
    guard letInCount > 0 else { return }
    for consumer in demands.keys.filter({ $0.isTask(of: layer) }) { guessOutput(of: consumer) }
  }

  /// The layers of which nothing large was known, and is now, since this was last asked: tasks that were taken for light
  /// and haven't begun are to be told of after all (`want` and `prepare`).
  package mutating func takeUnexpected() -> [UInt32] {
    var taken: [UInt32] = []
    swap(&taken, &unexpected)
    return taken
  }

  private var holdsSmallOnly: Bool { entries.isEmpty && lost.isEmpty }

  /// Like `end(_:storing:of:into:)`, of the task that made the block.
  package mutating func finish(
    _ task: TaskID, with block: any Block, byteCount: Int, into actions: inout [Action]
  ) {
    guard demands.isEmpty, holdsSmallOnly, isSmall(byteCount),
      marks.limit == 0 || memoryBytes + byteCount <= marks.high
    else { return end(.task(task), storing: block, of: task, into: &actions) }
    // A task may be run again where its block is held: the block is the same.
    if small.insert(block, for: task) { smallBytes += byteCount }
  }

  /// Like `release`, and returns a block that leaves at once rather than have it dropped by an action.
  package mutating func take(_ task: TaskID, into actions: inout [Action]) -> (any Block)? {
    guard waiting.isEmpty, waitingMembers.isEmpty, let block = small.removeValue(forKey: task) else {
      release(task, into: &actions)
      return nil
    }
    smallBytes -= block.byteCount
    return block
  }
}
