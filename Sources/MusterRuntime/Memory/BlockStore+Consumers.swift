internal import HeapModule
package import MusterScheduling

/// Who takes blocks: tasks that run, members that asked, graphs that end.
extension BlockStore {
  /// Somebody will take blocks that are here, or will come. The lower the priority the longer they stay in memory.
  package mutating func want(_ consumer: Consumer, inputs: [TaskID], priority: Int64, outputBytes: Int = 0) {
    if demands[consumer] != nil { forget(consumer) }
    var demand = Demand(inputs: inputs, priority: priority, outputBytes: max(0, outputBytes))
    if outputBytes <= 0, case .task = consumer { demand.isGuess = true }
    demands[consumer] = demand
    guessOutput(of: consumer)
  }

  /// Where nobody says what a task will make, it's as much as others of its layer have made.
  mutating func guessOutput(of consumer: Consumer) {
    guard !seen.isEmpty, case .task(let task) = consumer, let guess = seen[task.layer],
      let demand = demands[consumer], demand.isGuess, guess > demand.outputBytes
    else { return }
    demands[consumer]!.outputBytes = guess
    if demand.isLetIn { reservedBytes += guess - demand.outputBytes }
  }

  /// All inputs of the consumer are here: it is to be let in as soon as there is room.
  package mutating func prepare(_ consumer: Consumer, into actions: inout [Action]) {
    guard let demand = demands[consumer], !demand.isWaiting, !demand.isLetIn else { return }
    demands[consumer]!.isWaiting = true
    let new = Waiting(priority: demand.priority, order: tick(), consumer: consumer)
    if case .member = consumer { waitingMembers.insert(new) } else { waiting.insert(new) }
    if hasToldSpillError { (spillError, hasToldSpillError) = (nil, false) }
    settle(into: &actions)
  }

  /// The consumer has ended, has failed, or was taken back.
  package mutating func end(_ consumer: Consumer, into actions: inout [Action]) {
    forget(consumer)
    settle(into: &actions)
  }

  /// The consumer has ended with a block.
  package mutating func end(
    _ consumer: Consumer, storing block: any Block, of task: TaskID, into actions: inout [Action]
  ) {
    forget(consumer)
    insert(block, of: task, into: &actions)
    settle(into: &actions)
  }

  /// A task begins to wait for others, or doesn't any more.
  package mutating func setIdle(_ consumer: Consumer, _ isIdle: Bool, into actions: inout [Action]) {
    guard let demand = demands[consumer], demand.isLetIn, demand.isIdle != isIdle else { return }
    demands[consumer]!.isIdle = isIdle
    idleCount += isIdle ? 1 : -1
    if isIdle { settle(into: &actions) }
  }

  mutating func forget(_ consumer: Consumer) {
    guard !demands.isEmpty, let demand = demands.removeValue(forKey: consumer), demand.isLetIn else { return }
    letInCount -= 1
    if case .member = consumer { membersLetIn -= 1 }
    if demand.isIdle { idleCount -= 1 }
    reservedBytes -= demand.outputBytes
    for input in demand.inputs { unpin(input) }
    guard demand.missing > 0 else { return }
    for input in demand.inputs { readers[input]?.removeAll { $0 == consumer } }
  }
}
