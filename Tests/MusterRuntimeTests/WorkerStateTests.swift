import MusterRuntime
import MusterScheduling
import Testing

private struct Number: Block, Equatable {
  var value: Int
  var byteCount: Int { 8 }
  func encode(into encoder: inout BlockEncoder) { encoder.append(value) }
  static func decode(from decoder: inout BlockDecoder) throws -> Number { Number(value: try decoder.read(Int.self)) }
}

/// Four leaves, and one task that takes 0, 1, 1 and 3 of them.
private func state(memoryLimit: Int = 0) -> WorkerState {
  var plan = Plan()
  let leaves = plan.add(
    Layer(name: "leaf", count: 4, yielding: Number.self, inputs: { _, _ in }) { Number(value: $0.index) })
  _ = plan.add(
    Layer(
      name: "sum", count: 1, yielding: Number.self,
      inputs: { _, inputs in for leaf in [0, 1, 1, 3] { inputs.append(TaskID(layer: leaves, index: leaf)) } },
      run: { inputs in Number(value: inputs.blocks.indices.reduce(0) { $0 + inputs.block($1, as: Number.self).value }) }
    ))
  var state = WorkerState(memoryLimit: memoryLimit)
  var actions: [WorkerState.Action] = []
  state.register(plan.layers, from: 0, into: &actions)
  return state
}

private func leaf(_ index: Int) -> TaskID { TaskID(layer: 0, index: index) }
private let sum = TaskID(layer: 1, index: 0)

private func done(_ task: TaskID, _ value: Int, attempt: Attempt = 1) -> Completion {
  Completion(task: task, attempt: attempt, result: .success(Number(value: value)), nanoseconds: 5)
}

extension WorkerState {
  fileprivate mutating func assign(_ assignment: Assignment, into actions: inout [Action]) {
    receive(.assign(assignment), from: 0, into: &actions)
  }
  fileprivate mutating func retract(_ task: TaskID, attempt: Attempt, into actions: inout [Action]) {
    receive(.retract(task, attempt), from: 0, into: &actions)
  }
  fileprivate mutating func release(_ task: TaskID) {
    var actions: [Action] = []
    receive(.release(task), from: 0, into: &actions)
  }
}

/// Actions in words.
private func words(_ actions: [WorkerState.Action]) -> [String] {
  actions.map { action in
    switch action {
    case .run(let ready): "run \(ready.task) #\(ready.attempt) with \(ready.inputs.map { ($0 as! Number).value })"
    case .takeBack(let task, let attempt): "take back \(task) #\(attempt)"
    case .fetch(let first, let count, let holder): "fetch \(first) x\(count) from \(holder)"
    case .send(.finished(let task, let attempt, let bytes, _)): "finished \(task) #\(attempt) \(bytes) B"
    case .send(.failed(let task, let attempt, let error)): "failed \(task) #\(attempt) \(error.code)"
    case .send(.retracted(let task, let attempt, let givenBack)): "retracted \(task) #\(attempt) \(givenBack)"
    case .send(let message): "\(message)"
    case .present(let block, let task): "\(task) = \((block as! Number).value) is a result"
    case .reply(let block, let task, let member): "\(task) = \((block as! Number).value) to \(member)"
    }
  }
}

struct WorkerStateTests {
  @Test func aBlockThatCannotBeReadFailsTheTasksThatWaitForIt() throws {
    var state = state()
    var actions: [WorkerState.Action] = []
    let sources = [
      InputSource(first: leaf(0), count: 2, holder: WorkerID(2)),
      InputSource(first: leaf(3), count: 1, holder: WorkerID(3)),
    ]
    state.assign(Assignment(task: sum, attempt: 2, priority: 0, sources: sources), into: &actions)
    actions = []
    state.refused(leaf(1), because: MusterError(.taskFailed, "it doesn't cross"), into: &actions)
    #expect(words(actions) == ["failed \(sum) #2 taskFailed"])
    try state.checkInvariants()
    // What else was on its way comes for nobody.
    actions = []
    state.received(Number(value: 1), of: leaf(0), into: &actions)
    #expect(actions.isEmpty && state.storedBytes == 0)
  }

  @Test func aTaskWaitsForWhatIsFetchedAndWhatIsMadeHere() {
    var state = state()
    var actions: [WorkerState.Action] = []
    state.assign(Assignment(task: leaf(0), attempt: 1, priority: 0, sources: []), into: &actions)
    #expect(words(actions) == ["run 0[0] #1 with []"])
    actions = []
    state.completed(done(leaf(0), 10), into: &actions)
    #expect(words(actions) == ["finished 0[0] #1 8 B"])
    actions = []
    // The scheduler names a run of which one is here already.
    state.assign(
      Assignment(
        task: sum, attempt: 1, priority: 4,
        sources: [
          InputSource(first: leaf(0), count: 2, holder: WorkerID(2)),
          InputSource(first: leaf(3), count: 1, holder: WorkerID(3)),
        ]), into: &actions)
    #expect(words(actions) == ["fetch 0[1] x1 from worker 2", "fetch 0[3] x1 from worker 3"])
    actions = []
    state.received(Number(value: 11), of: leaf(1), into: &actions)
    #expect(actions.isEmpty)
    state.received(Number(value: 13), of: leaf(3), into: &actions)
    #expect(words(actions) == ["run 1[0] #1 with [10, 11, 11, 13]"])
    #expect(state.storedBytes == 24)
  }

  @Test func releasedBlocksAreGone() {
    var state = state()
    var actions: [WorkerState.Action] = []
    state.assign(Assignment(task: leaf(0), attempt: 1, priority: 0, sources: []), into: &actions)
    state.completed(done(leaf(0), 10), into: &actions)
    #expect(state.block(of: leaf(0)) as? Number == Number(value: 10))
    state.release(leaf(0))
    #expect(state.block(of: leaf(0)) == nil)
    #expect(state.storedBytes == 0)
    state.release(leaf(0))
    #expect(state.storedBytes == 0)
  }

  @Test func aNewAttemptSupersedesTheOld() {
    var state = state()
    var actions: [WorkerState.Action] = []
    state.assign(Assignment(task: leaf(2), attempt: 1, priority: 0, sources: []), into: &actions)
    state.assign(Assignment(task: leaf(2), attempt: 2, priority: 0, sources: []), into: &actions)
    actions = []
    state.completed(done(leaf(2), 5, attempt: 1), into: &actions)
    #expect(actions.isEmpty && state.block(of: leaf(2)) == nil)
    state.completed(done(leaf(2), 5, attempt: 2), into: &actions)
    #expect(words(actions) == ["finished 0[2] #2 8 B"])
    actions = []
    // The scheduler may want it again where it is held: it is run, and held once.
    state.assign(Assignment(task: leaf(2), attempt: 3, priority: 0, sources: []), into: &actions)
    #expect(words(actions) == ["run 0[2] #3 with []"])
    state.completed(done(leaf(2), 5, attempt: 3), into: &actions)
    #expect(state.storedBytes == 8)
  }

  @Test func retractIsGrantedUntilATaskHasBegun() {
    var state = state()
    var actions: [WorkerState.Action] = []
    state.retract(leaf(0), attempt: 1, into: &actions)
    #expect(words(actions) == ["retracted 0[0] #1 false"])
    actions = []
    state.assign(
      Assignment(
        task: sum, attempt: 1, priority: 4, sources: [InputSource(first: leaf(0), count: 4, holder: WorkerID(2))]),
      into: &actions)
    actions = []
    state.retract(sum, attempt: 1, into: &actions)
    #expect(words(actions) == ["retracted 1[0] #1 true"])
    actions = []
    // What it waited for comes all the same, and starts nothing.
    for index in [0, 1, 3] { state.received(Number(value: index), of: leaf(index), into: &actions) }
    #expect(actions.isEmpty && state.storedBytes == 0)
    state.assign(Assignment(task: leaf(0), attempt: 1, priority: 0, sources: []), into: &actions)
    actions = []
    state.retract(leaf(0), attempt: 1, into: &actions)
    #expect(words(actions) == ["take back 0[0] #1"])
    actions = []
    state.answerRetract(leaf(0), attempt: 1, wasQueued: true, into: &actions)
    #expect(words(actions) == ["retracted 0[0] #1 true"])
    actions = []
    state.completed(done(leaf(0), 1), into: &actions)
    #expect(actions.isEmpty)
  }

  @Test func aBlockIsFetchedOnceForSeveralTasks() {
    var plan = Plan()
    let leaves = plan.add(
      Layer(name: "leaf", count: 1, yielding: Number.self, inputs: { _, _ in }) { _ in Number(value: 1) })
    _ = plan.add(
      Layer(
        name: "copy", count: 2, yielding: Number.self,
        inputs: { _, inputs in inputs.append(TaskID(layer: leaves, index: 0)) },
        run: { $0.block(0, as: Number.self) }))
    var state = WorkerState()
    var none: [WorkerState.Action] = []
    state.register(plan.layers, from: 0, into: &none)
    var actions: [WorkerState.Action] = []
    let source = InputSource(first: leaf(0), count: 1, holder: WorkerID(2))
    for index in 0..<2 {
      state.assign(
        Assignment(task: TaskID(layer: 1, index: index), attempt: 1, priority: 1, sources: [source]), into: &actions)
    }
    #expect(words(actions) == ["fetch 0[0] x1 from worker 2"])
    actions = []
    // The holder is lost, and the task assigned anew with another.
    let other = InputSource(first: leaf(0), count: 1, holder: WorkerID(3))
    state.assign(
      Assignment(task: TaskID(layer: 1, index: 0), attempt: 2, priority: 1, sources: [other]), into: &actions)
    #expect(words(actions) == ["fetch 0[0] x1 from worker 3"])
    actions = []
    state.received(Number(value: 1), of: leaf(0), into: &actions)
    #expect(Set(words(actions)) == ["run 1[0] #2 with [1]", "run 1[1] #1 with [1]"])
  }

  @Test func whoAsksGetsTheBlocksThatAreHere() {
    var state = state()
    var actions: [WorkerState.Action] = []
    for index in [0, 2] {
      state.assign(Assignment(task: leaf(index), attempt: 1, priority: 0, sources: []), into: &actions)
      state.completed(done(leaf(index), 10 + index), into: &actions)
    }
    actions = []
    state.receive(.fetch(first: leaf(0), count: 3), from: 7, into: &actions)
    #expect(words(actions) == ["0[0] = 10 to 7", "0[2] = 12 to 7"])
  }

  @Test func memoryIsReportedWhenItHasChangedByAPartOfTheLimit() {
    var state = state(memoryLimit: 512)
    var actions: [WorkerState.Action] = []
    func reports() -> [String] { words(actions).filter { $0.hasPrefix("memory") } }
    // A report for every 16 bytes: two blocks.
    for index in 0..<4 {
      state.assign(Assignment(task: leaf(index), attempt: 1, priority: 0, sources: []), into: &actions)
      state.completed(done(leaf(index), 1), into: &actions)
    }
    #expect(reports() == ["memory(bytes: 16)", "memory(bytes: 32)"])
    actions = []
    for index in 0..<3 { state.receive(.release(leaf(index)), from: 0, into: &actions) }
    #expect(reports() == ["memory(bytes: 16)"])
  }

  @Test func failuresAreReported() {
    var state = state()
    var actions: [WorkerState.Action] = []
    state.assign(Assignment(task: leaf(1), attempt: 4, priority: 0, sources: []), into: &actions)
    actions = []
    state.completed(
      Completion(
        task: leaf(1), attempt: 4, result: .failure(MusterError(.diskFull, "no room")), nanoseconds: 1),
      into: &actions)
    #expect(words(actions) == ["failed 0[1] #4 diskFull"])
  }
}
