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
  var state = WorkerState(memoryLimit: memoryLimit)
  var actions: [WorkerState.Action] = []
  state.register(layers(), from: 0, into: &actions)
  return state
}

private func layers() -> [Layer] {
  var plan = Plan()
  let leaves = plan.add(
    Layer(name: "leaf", count: 4, yielding: Number.self, inputs: { _, _ in }) { Number(value: $0.index) })
  _ = plan.add(
    Layer(
      name: "sum", count: 1, yielding: Number.self,
      inputs: { _, inputs in for leaf in [0, 1, 1, 3] { inputs.append(TaskID(layer: leaves, index: leaf)) } },
      run: { inputs in Number(value: inputs.blocks.indices.reduce(0) { $0 + inputs.block($1, as: Number.self).value }) }
    ))
  return plan.layers
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
    case .holdBack(let task, let attempt): "hold back \(task) #\(attempt)"
    case .fetch(let first, let count, let holder, let isComing):
      "fetch \(first) x\(count) from \(holder)\(isComing ? " to come" : "")"
    case .send(.finished(let task, let attempt, let bytes, _)): "finished \(task) #\(attempt) \(bytes) B"
    case .send(.failed(let task, let attempt, let error)): "failed \(task) #\(attempt) \(error.code)"
    case .send(.retracted(let task, let attempt, let givenBack)): "retracted \(task) #\(attempt) \(givenBack)"
    case .send(let message): "\(message)"
    case .spill(let orders): "write \(orders.map(\.task))"
    case .load(_, let task, let place, _): "read \(task) at \(place.offset)"
    case .discard(let place): "discard \(place.offset)"
    case .refuse(let task, let member, let error): "\(task) refused to \(member): \(error.code)"
    case .present(let block, let task): "\(task) = \((block as! Number).value) for others"
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

  @Test func whatComesWithATaskIsNotAskedFor() throws {
    var state = state()
    var actions: [WorkerState.Action] = []
    let sources = [
      InputSource(first: leaf(0), count: 1, holder: WorkerID(2)),
      InputSource(first: leaf(1), count: 1, holder: WorkerID(2), isAttached: true),
      InputSource(first: leaf(3), count: 1, holder: WorkerID(2), isAttached: true),
    ]
    state.assign(Assignment(task: sum, attempt: 1, priority: 0, sources: sources), into: &actions)
    #expect(words(actions) == ["fetch 0[0] x1 from worker 2"])
    actions = []
    for index in [1, 3, 0] { state.received(Number(value: 10 + index), of: leaf(index), into: &actions) }
    #expect(words(actions) == ["run 1[0] #1 with [10, 11, 11, 13]"])
    try state.checkInvariants()
  }

  @Test func whatCameBeforeTheProgramIsAskedForLater() throws {
    var state = WorkerState()
    var actions: [WorkerState.Action] = []
    let source = InputSource(first: leaf(0), count: 4, holder: WorkerID(2), isAttached: true)
    state.assign(Assignment(task: sum, attempt: 1, priority: 0, sources: [source]), into: &actions)
    // Of a layer that isn't known yet: nobody waits for it.
    state.received(Number(value: 10), of: leaf(0), into: &actions)
    #expect(actions.isEmpty)
    state.register(layers(), from: 0, into: &actions)
    #expect(words(actions) == ["fetch 0[0] x4 from worker 2"])
  }

  @Test func smallBlocksThatOthersWantGoAlong() {
    for isShared in [false, true] {
      var state = state()
      var actions: [WorkerState.Action] = []
      state.assign(
        Assignment(task: leaf(0), attempt: 1, priority: 0, isShared: isShared, sources: []), into: &actions)
      actions = []
      state.completed(done(leaf(0), 10), into: &actions)
      #expect(words(actions) == (isShared ? ["0[0] = 10 for others"] : []) + ["finished 0[0] #1 8 B"])
    }
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
    state.receive(.fetch(first: leaf(0), count: 3, isComing: false), from: 7, into: &actions)
    #expect(words(actions) == ["0[0] = 10 to 7", "0[2] = 12 to 7"])
  }

  @Test func whoAsksForWhatIsToBeComputedHereGetsItThen() throws {
    var state = state()
    var actions: [WorkerState.Action] = []
    // What is to come may be asked for before rank 0's word of it has come.
    state.receive(.fetch(first: leaf(0), count: 2, isComing: true), from: 7, into: &actions)
    #expect(actions.isEmpty)
    state.assign(Assignment(task: leaf(0), attempt: 1, priority: 0, isShared: true, sources: []), into: &actions)
    actions = []
    state.completed(done(leaf(0), 10), into: &actions)
    // Nor does it go to rank 0 for those who have it already.
    #expect(words(actions) == ["0[0] = 10 to 7", "finished 0[0] #1 8 B"])
    actions = []
    // Asked for again it's there; and what is never computed here is forgotten with its layer.
    state.receive(.fetch(first: leaf(0), count: 1, isComing: true), from: 8, into: &actions)
    #expect(words(actions) == ["0[0] = 10 to 8"])
    #expect(state.awaitedByOthers == [leaf(1)])
    state.forget(0..<2)
    #expect(state.awaitedByOthers.isEmpty)
    // Asked for by a task that was given back since: too late.
    state.receive(.fetch(first: leaf(1), count: 1, isComing: true), from: 8, into: &actions)
    #expect(state.awaitedByOthers.isEmpty)
    try state.checkInvariants()
  }

  /// What functions hold goes with the news that their layers have ended, which may come before the program gets there.
  @Test func layersThatHaveEndedRunNoMore() throws {
    func runs(_ number: UInt32, of state: WorkerState) -> Bool? {
      guard let layer = state.layer(number) else { return nil }
      return (try? layer.run(TaskInputs(index: 0, blocks: []))) != nil
    }
    var state = WorkerState()
    var actions: [WorkerState.Action] = []
    let leaves = layers()[0]
    // Of two layers that come only later one has ended, and of two more the first.
    state.end(0..<1)
    state.end(3..<4)
    state.register([leaves, leaves], from: 0, into: &actions)
    #expect(runs(0, of: state) == false && runs(1, of: state) == true)
    state.end(1..<2)
    #expect(runs(1, of: state) == false)
    #expect(state.layer(1)?.tasks.name == "leaf" && state.layer(1)?.tasks.count == 4)
    state.register([leaves, leaves], from: 2, into: &actions)
    #expect(runs(2, of: state) == true && runs(3, of: state) == false)
    // Forgotten is more than ended, in both orders, and also ahead of the program.
    state.forget(1..<4)
    state.end(1..<4)
    #expect((1..<4).allSatisfy { state.layer($0) == nil })
    state.end(4..<6)
    state.forget(4..<5)
    state.register([leaves, leaves, leaves], from: 4, into: &actions)
    #expect(runs(4, of: state) == nil && runs(5, of: state) == false && runs(6, of: state) == true)
    // One that is left of thousands which came and went.
    for number in 7..<4007 {
      state.register([leaves], from: number, into: &actions)
      state.forget(number..<number + 1)
    }
    #expect(state.graphCounts.layerPlaces < 2000 && runs(6, of: state) == true)
    state.end(6..<7)
    #expect(runs(6, of: state) == false)
    try state.checkInvariants()
  }

  @Test func aTaskWaitsForWhatItsOwnWorkerIsToCompute() throws {
    var state = state()
    var actions: [WorkerState.Action] = []
    for index in 0..<4 {
      state.assign(Assignment(task: leaf(index), attempt: 1, priority: 0, sources: []), into: &actions)
    }
    actions = []
    state.assign(Assignment(task: sum, attempt: 1, priority: 1, sources: []), into: &actions)
    #expect(actions.isEmpty)
    for index in 0..<4 { state.completed(done(leaf(index), 10 + index), into: &actions) }
    #expect(words(actions).contains("run 1[0] #1 with [10, 11, 11, 13]"))
    try state.checkInvariants()
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

  /// What has come of a waiting task's inputs leaves memory after what nobody wants, though nothing large was known when it
  /// was assigned.
  @Test func inputsOfATaskThatWaitsLeaveLate() throws {
    var plan = Plan()
    let large = plan.add(
      Layer(name: "large", count: 2, yielding: NumberedBlock.self, inputs: { _, _ in }) {
        NumberedBlock(number: $0.index, byteCount: 100)
      })
    let unwanted = TaskID(
      layer: plan.add(
        Layer(name: "other", count: 1, yielding: NumberedBlock.self, inputs: { _, _ in }) {
          NumberedBlock(number: $0.index, byteCount: 100)
        }), index: 0)
    let take = plan.add(
      Layer(
        name: "take", count: 1, yielding: Number.self,
        inputs: { _, inputs in for index in 0..<2 { inputs.append(TaskID(layer: large, index: index)) } },
        run: { Number(value: $0.block(0, as: NumberedBlock.self).number) }))
    var marks = BlockStore.Marks(limit: 300)
    marks.smallestBlock = 10
    marks.largestInMessage = 0
    var state = WorkerState(memoryLimit: 300, rank: 2, marks: marks)
    var actions: [WorkerState.Action] = []
    state.register(plan.layers, from: 0, into: &actions)
    let source = InputSource(first: leaf(0), count: 2, holder: WorkerID(1))
    state.assign(
      Assignment(task: TaskID(layer: take, index: 0), attempt: 1, priority: 0, sources: [source]), into: &actions)
    state.received(NumberedBlock(number: 0, byteCount: 100), of: leaf(0), into: &actions)
    try state.checkInvariants()
    state.assign(Assignment(task: unwanted, attempt: 1, priority: 1, sources: []), into: &actions)
    let other = NumberedBlock(number: 2, byteCount: 100)
    state.completed(
      Completion(task: unwanted, attempt: 1, result: .success(other), nanoseconds: 1), into: &actions)
    let spilled = actions.compactMap { if case .spill(let orders) = $0 { orders.map(\.task) } else { nil } }
    #expect(spilled == [[unwanted]])
    try state.checkInvariants()
  }

  private func spilling() -> WorkerState {
    var plan = Plan()
    let large = plan.add(
      Layer(name: "large", count: 4, yielding: NumberedBlock.self, expectedBytes: 100, inputs: { _, _ in }) {
        NumberedBlock(number: $0.index, byteCount: 100)
      })
    _ = plan.add(
      Layer(
        name: "take", count: 4, yielding: Number.self,
        inputs: { index, inputs in inputs.append(TaskID(layer: large, index: index)) },
        run: { Number(value: $0.block(0, as: NumberedBlock.self).number) }))
    var marks = BlockStore.Marks(limit: 300)
    marks.smallestBlock = 10
    marks.largestInMessage = 0
    var state = WorkerState(memoryLimit: 300, rank: 2, marks: marks)
    var actions: [WorkerState.Action] = []
    state.register(plan.layers, from: 0, into: &actions)
    for index in 0..<2 {
      state.assign(Assignment(task: leaf(index), attempt: 1, priority: 0, sources: []), into: &actions)
      let block = NumberedBlock(number: index, byteCount: 100)
      state.completed(
        Completion(task: leaf(index), attempt: 1, result: .success(block), nanoseconds: 1), into: &actions)
    }
    // Past six tenths of the limit, the oldest is written.
    for case .spill(let orders) in actions {
      #expect(orders.map(\.task) == [leaf(0)])
      for order in orders { state.receive(.spilled(order.ticket, place), into: &actions) }
    }
    return state
  }

  private var place: SpillPlace { SpillPlace(file: 0, offset: 7, byteCount: 1, headerSize: 0, segmentSizes: []) }

  private func ticketOfLoad(_ actions: [WorkerState.Action]) -> BlockStore.Ticket? {
    actions.lazy.compactMap { if case .load(let ticket, _, _, _) = $0 { ticket } else { nil } }.first
  }

  /// Two blocks that are in memory, and both asked for, where there is no room for both twice.
  @Test func blocksAreSentInTurnsWhereTheMemoryIsFull() throws {
    var state = spilling()
    var actions: [WorkerState.Action] = []
    state.assign(Assignment(task: leaf(2), attempt: 1, priority: 0, sources: []), into: &actions)
    state.completed(
      Completion(
        task: leaf(2), attempt: 1, result: .success(NumberedBlock(number: 2, byteCount: 100)), nanoseconds: 1),
      into: &actions)
    func sent() -> [TaskID] {
      defer { actions = [] }
      return actions.compactMap { if case .reply(_, let task, to: 3) = $0 { task } else { nil } }
    }
    actions = []
    state.receive(.fetch(first: leaf(1), count: 2, isComing: false), from: 3, into: &actions)
    #expect(sent() == [leaf(1)])
    #expect(state.transit.sendingBytes == 100)
    // The transport says the same, and then that it has gone.
    state.setTransit(BlockTransit(sendingBytes: 100), into: &actions)
    #expect(sent().isEmpty)
    state.setTransit(BlockTransit(), into: &actions)
    #expect(sent() == [leaf(2)])
    try state.checkInvariants()
  }

  @Test func aTaskAndAMemberWaitForABlockThatIsOnDisk() throws {
    var state = spilling()
    #expect(state.block(of: leaf(0)) == nil && state.storedBytes == 100)
    var actions: [WorkerState.Action] = []
    let take = TaskID(layer: 1, index: 0)
    state.assign(Assignment(task: take, attempt: 1, priority: 0, sources: []), into: &actions)
    // The other has to leave for it.
    #expect(words(actions).prefix(2) == ["read 0[0] at 7", "write [\(leaf(1))]"])
    let ticket = try #require(ticketOfLoad(actions))
    state.receive(.fetch(first: leaf(0), count: 1, isComing: false), from: 3, into: &actions)
    actions = []
    state.receive(.loaded(ticket, NumberedBlock(number: 0, byteCount: 100)), into: &actions)
    let isRun = actions.contains { if case .run(let ready) = $0 { ready.task == take } else { false } }
    let isReplied = actions.contains { if case .reply(_, let task, to: 3) = $0 { task == leaf(0) } else { false } }
    #expect(isRun && isReplied)
    try state.checkInvariants()
    actions = []
    state.completed(done(take, 0), into: &actions)
    state.receive(.release(leaf(0)), from: 0, into: &actions)
    #expect(words(actions).contains("discard 7"))
  }

  @Test func aBlockThatTheDiskHasLostFailsWhoeverNeedsIt() throws {
    var state = spilling()
    var actions: [WorkerState.Action] = []
    let take = TaskID(layer: 1, index: 0)
    state.assign(Assignment(task: take, attempt: 1, priority: 0, sources: []), into: &actions)
    let ticket = try #require(ticketOfLoad(actions))
    actions = []
    state.receive(.loadFailed(ticket, leaf(0), MusterError(.inputOutput, "gone")), into: &actions)
    #expect(words(actions).contains("failed \(take) #1 inputOutput"))
    actions = []
    state.receive(.fetch(first: leaf(0), count: 1, isComing: false), from: 3, into: &actions)
    #expect(words(actions) == ["\(leaf(0)) refused to 3: inputOutput"])
    state.release(leaf(0))
    actions = []
    state.receive(.fetch(first: leaf(0), count: 1, isComing: false), from: 3, into: &actions)
    #expect(actions.isEmpty)
  }

  @Test func aTaskThatDoesNotFitFailsBeforeItStarts() throws {
    var plan = Plan()
    _ = plan.add(
      Layer(name: "huge", count: 1, yielding: Number.self, expectedBytes: 1 << 20, inputs: { _, _ in }) { _ in
        Number(value: 0)
      })
    var state = WorkerState(memoryLimit: 1 << 19)
    var actions: [WorkerState.Action] = []
    state.register(plan.layers, from: 0, into: &actions)
    state.assign(Assignment(task: leaf(0), attempt: 3, priority: 0, sources: []), into: &actions)
    #expect(words(actions) == ["failed 0[0] #3 outOfMemory"])
    #expect(state.assignedTasks.isEmpty)
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

  /// Tasks of which nothing large was expected leave the queue where it turns out that they need room.
  @Test func tasksThatTurnOutToNeedRoomWaitForIt() throws {
    var plan = Plan()
    _ = plan.add(
      Layer(name: "leaf", count: 4, yielding: NumberedBlock.self, inputs: { _, _ in }) {
        NumberedBlock(number: $0.index, byteCount: 50_000)
      })
    var state = WorkerState(memoryLimit: 100_000)
    var actions: [WorkerState.Action] = []
    state.register(plan.layers, from: 0, into: &actions)
    for index in 0..<4 {
      state.assign(Assignment(task: leaf(index), attempt: 1, priority: Int64(index), sources: []), into: &actions)
    }
    #expect(actions.count == 4)
    actions = []
    let block = NumberedBlock(number: 0, byteCount: 50_000)
    state.completed(
      Completion(task: leaf(0), attempt: 1, result: .success(block), nanoseconds: 5), into: &actions)
    let heldBack = actions.compactMap { if case .holdBack(let task, _) = $0 { task } else { nil } }
    #expect(heldBack == (1..<4).map(leaf))
    actions = []
    // One has begun meanwhile. The others have no room: 50,000 bytes are stored, and each makes as many.
    state.answerHoldBack(leaf(1), attempt: 1, wasQueued: false, into: &actions)
    for index in 2..<4 { state.answerHoldBack(leaf(index), attempt: 1, wasQueued: true, into: &actions) }
    let begun = actions.compactMap { if case .run(let ready) = $0 { ready.task } else { nil } }
    #expect(begun.isEmpty)
    #expect(state.reservedBytes == 50_000)
    // Each may be given back meanwhile.
    actions = []
    state.retract(leaf(3), attempt: 1, into: &actions)
    #expect(words(actions) == ["retracted \(leaf(3)) #1 true"])
    state.completed(
      Completion(task: leaf(1), attempt: 1, result: .success(block), nanoseconds: 5), into: &actions)
    #expect(state.reservedBytes == 0)
  }
}
