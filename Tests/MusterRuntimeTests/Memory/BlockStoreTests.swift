import MusterRuntime
import MusterScheduling
import Testing

private func task(_ index: Int) -> TaskID { TaskID(layer: 0, index: index) }
private func place(_ number: Int) -> SpillPlace {
  SpillPlace(file: 0, offset: number, byteCount: 1, headerSize: 0, segmentSizes: [])
}

/// A store of 1000 bytes that writes past 600, down to 500, with the actions since the last look.
private struct Harness {
  var store: BlockStore
  private var actions: [BlockStore.Action] = []
  /// Else `dropped` is for the test.
  var dropsAtOnce = true

  init(smallestBlock: Int = 1) {
    var marks = BlockStore.Marks(limit: 1000)
    marks.smallestBlock = smallestBlock
    marks.largestInMessage = 0
    marks.smallestBatch = 1
    store = BlockStore(marks: marks)
  }

  mutating func act(_ body: (inout BlockStore, inout [BlockStore.Action]) -> Void) {
    actions = []
    body(&store, &actions)
    var next = 0
    while dropsAtOnce, next < actions.count {
      if case .drop(_, let leaving) = actions[next], leaving > 0 { store.dropped(leaving, into: &actions) }
      next += 1
    }
  }

  mutating func add(_ index: Int, bytes: Int = 100, isCopied: Bool = false) {
    let block = NumberedBlock(number: index, byteCount: bytes, isCopied: isCopied)
    act { $0.store(block, of: task(index), into: &$1) }
  }

  mutating func prepare(_ consumer: BlockStore.Consumer, inputs: [Int], priority: Int64 = 0, output: Int = 0) {
    store.want(consumer, inputs: inputs.map { task($0) }, priority: priority, outputBytes: output)
    act { $0.prepare(consumer, into: &$1) }
  }

  /// Asks whether a block may come. The transport says what is left to ask for.
  mutating func admits(_ bytes: Int) -> Bool {
    var mayCome = false
    act { store, actions in
      mayCome = store.admits(bytes, into: &actions)
      if mayCome { store.setTransit(BlockTransit(receivingBytes: store.transit.receivingBytes), into: &actions) }
    }
    return mayCome
  }

  /// Answers the writes that were ordered last, in their order.
  mutating func write() {
    for order in orders { act { $0.spilled(order.ticket, at: place(Int(order.task.index)), into: &$1) } }
  }

  var orders: [BlockStore.SpillOrder] {
    actions.flatMap { action -> [BlockStore.SpillOrder] in if case .spill(let orders) = action { orders } else { [] } }
  }
  var spilled: [Int] { orders.map { Int($0.task.index) } }
  var loads: [(ticket: BlockStore.Ticket, task: Int)] {
    actions.compactMap { if case .load(let ticket, let task, _) = $0 { (ticket, Int(task.index)) } else { nil } }
  }
  var ready: [BlockStore.Consumer] {
    actions.compactMap { if case .ready(let consumer) = $0 { consumer } else { nil } }
  }
  var discarded: [SpillPlace] {
    actions.compactMap { if case .discard(let place) = $0 { place } else { nil } }
  }
  var dropping: [Int] {
    actions.compactMap { if case .drop(_, let leaving) = $0 { leaving } else { nil } }
  }
  var failure: MusterError? {
    actions.lazy.compactMap { if case .failed(_, let error) = $0 { error } else { nil } }.first
  }
  var refused: [BlockStore.Consumer] {
    actions.compactMap { if case .cannotFit(let consumer, _, _) = $0 { consumer } else { nil } }
  }
}

private let consumer = BlockStore.Consumer.task(TaskID(layer: 1, index: 0))
private let other = BlockStore.Consumer.task(TaskID(layer: 1, index: 1))

struct BlockStoreTests {
  /// What a task holds that waits for others comes back only when those have run: the next one is let in, one at a time.
  @Test func besideATaskThatWaitsTheNextIsLetInAboveTheMarks() {
    var harness = Harness()
    let third = BlockStore.Consumer.task(TaskID(layer: 1, index: 2))
    // Of the inputs of those that are let in 500 bytes may be taken.
    for index in 0..<2 { harness.add(index, bytes: 300) }
    harness.prepare(consumer, inputs: [0], priority: 0)
    #expect(harness.ready == [consumer])
    harness.prepare(other, inputs: [1], priority: 1)
    #expect(harness.ready.isEmpty)
    harness.prepare(third, inputs: [0], priority: 2)
    harness.act { $0.setIdle(consumer, true, into: &$1) }
    #expect(harness.ready == [other])
    // That counts once, and only while it lasts.
    harness.act { $0.setIdle(consumer, true, into: &$1) }
    #expect(harness.ready.isEmpty)
    harness.act { $0.setIdle(consumer, false, into: &$1) }
    #expect(harness.ready.isEmpty)
    harness.act { $0.end(other, into: &$1) }
    #expect(harness.ready == [third])
    #expect(throws: Never.self) { try harness.store.checkInvariants() }
  }

  @Test func pastTheMarkTheOldestLeaveDownToTheLowerOne() {
    var harness = Harness()
    for index in 0..<6 {
      harness.add(index)
      #expect(harness.spilled.isEmpty)
    }
    harness.add(6)
    #expect(harness.spilled == [0, 1])
    // They can be used until they are written.
    #expect(harness.store.block(of: task(0)) != nil && harness.store.memoryBytes == 700)
    harness.write()
    #expect(harness.store.block(of: task(0)) == nil && harness.store.holds(task(0)))
    #expect(harness.store.memoryBytes == 500 && harness.store.spilledBytes == 200)
  }

  /// Somebody lets go of it, which may take a moment: nothing is read meanwhile that there is no room for.
  @Test func whatLeavesCountsUntilItIsLetGo() {
    var harness = Harness()
    harness.dropsAtOnce = false
    for index in 0..<3 {
      harness.add(index, bytes: 400)
      #expect(harness.spilled == (index == 0 ? [] : [index - 1]))
      harness.write()
    }
    #expect(harness.store.memoryBytes == 1200 && harness.store.leavingBytes == 800)
    #expect(harness.store.block(of: task(0)) == nil && harness.store.block(of: task(1)) == nil)
    harness.prepare(consumer, inputs: [0])
    #expect(harness.loads.isEmpty && harness.spilled.isEmpty)
    harness.act { $0.dropped(400, into: &$1) }
    #expect(harness.loads.isEmpty)
    harness.act { $0.dropped(400, into: &$1) }
    #expect(harness.loads.map(\.task) == [0] && harness.store.memoryBytes == 800)
    #expect(throws: Never.self) { try harness.store.checkInvariants() }
  }

  /// The same where it is released: in memory, on its way to disk, and on its way back.
  @Test func whatIsReleasedCountsUntilItIsLetGo() {
    var harness = Harness()
    for index in 0..<2 { harness.add(index, bytes: 400) }
    #expect(harness.spilled == [0])
    let order = harness.orders[0]
    harness.dropsAtOnce = false
    harness.act { $0.release(task(0), into: &$1) }
    // Whoever writes it holds it.
    #expect(harness.dropping.isEmpty && harness.store.memoryBytes == 800)
    harness.act { $0.spilled(order.ticket, at: place(0), into: &$1) }
    #expect(harness.dropping == [400] && harness.store.memoryBytes == 800 && harness.store.leavingBytes == 400)
    harness.act { $0.dropped(400, into: &$1) }
    #expect(harness.store.memoryBytes == 400)
    harness.act { $0.release(task(1), into: &$1) }
    #expect(harness.dropping == [400] && harness.store.memoryBytes == 400 && harness.store.leavingBytes == 400)
    harness.act { $0.dropped(400, into: &$1) }
    #expect(harness.store.memoryBytes == 0 && harness.store.leavingBytes == 0)

    for index in 2..<4 { harness.add(index, bytes: 400) }
    harness.write()
    harness.act { $0.dropped(400, into: &$1) }
    harness.prepare(consumer, inputs: [2])
    let load = harness.loads[0].ticket
    harness.act { $0.release(task(2), into: &$1) }
    harness.act { $0.loaded(load, NumberedBlock(number: 2, byteCount: 400), into: &$1) }
    #expect(harness.dropping == [400] && harness.store.memoryBytes == 800)
    harness.act { $0.dropped(400, into: &$1) }
    #expect(harness.store.memoryBytes == 400)
    #expect(throws: Never.self) { try harness.store.checkInvariants() }
  }

  @Test func whatIsWantedLastLeavesFirst() {
    var harness = Harness()
    for index in 0..<6 { harness.add(index) }
    harness.store.want(consumer, inputs: [task(0), task(1)], priority: 7)
    harness.store.want(other, inputs: [task(1), task(2)], priority: 5)
    harness.store.want(.member(1, block: task(3)), inputs: [task(3), task(4), task(5)], priority: 1)
    harness.add(6)
    // Nobody wants 6; 0 is wanted last; 1 and 2 are wanted at the same time, by the more urgent of two.
    #expect(harness.spilled == [6, 0])
    harness.add(7, bytes: 250)
    #expect(harness.spilled == [7])
    harness.add(8, bytes: 150)
    #expect(harness.spilled == [8])
  }

  @Test func whatATaskTakesIsReadBackAndStays() {
    var harness = Harness()
    for index in 0..<7 { harness.add(index) }
    harness.write()
    harness.prepare(consumer, inputs: [0, 2])
    #expect(harness.loads.map(\.task) == [0] && harness.ready.isEmpty)
    // What is being read counts.
    #expect(harness.store.memoryBytes == 600)
    let ticket = harness.loads[0].ticket
    harness.act { $0.loaded(ticket, NumberedBlock(number: 0, byteCount: 100), into: &$1) }
    #expect(harness.ready == [consumer])
    harness.add(7, bytes: 200)
    #expect(harness.spilled == [3, 4, 5])
    harness.write()
    // Its copy is on disk still: it leaves without being written.
    harness.act { $0.end(consumer, into: &$1) }
    harness.add(8, bytes: 300)
    #expect(harness.store.block(of: task(0)) == nil)
    #expect(!harness.spilled.contains(0))
    harness.act { $0.release(task(0), into: &$1) }
    #expect(harness.discarded == [place(0)])
  }

  @Test func whatBecomesTakenWhileItIsWrittenStays() {
    var harness = Harness()
    for index in 0..<7 { harness.add(index) }
    let orders = harness.orders
    harness.prepare(consumer, inputs: [0])
    #expect(harness.ready == [consumer])
    harness.act { $0.spilled(orders[0].ticket, at: place(0), into: &$1) }
    #expect(harness.store.block(of: task(0)) != nil)
    #expect(harness.store.memoryBytes == 700)
  }

  @Test func whatIsReleasedWhileItIsWrittenFreesItsPlaceThen() {
    var harness = Harness()
    for index in 0..<7 { harness.add(index) }
    let orders = harness.orders
    harness.act { $0.release(task(0), into: &$1) }
    // The disk has it still.
    #expect(harness.discarded.isEmpty && harness.store.memoryBytes == 700)
    // Another of the same name has nothing to do with it.
    harness.add(0, bytes: 10)
    harness.act { $0.spilled(orders[0].ticket, at: place(9), into: &$1) }
    #expect(harness.discarded == [place(9)] && harness.store.memoryBytes == 610)
    #expect(harness.store.block(of: task(0))?.byteCount == 10)
  }

  @Test func aTaskWaitsForRoomAndTheFirstDoesNot() {
    var harness = Harness()
    harness.add(0, bytes: 400)
    harness.prepare(consumer, inputs: [0], priority: 1)
    #expect(harness.ready == [consumer])
    harness.prepare(other, inputs: [], priority: 2, output: 700)
    #expect(harness.ready.isEmpty)
    // Then for what leaves.
    harness.act { $0.end(consumer, into: &$1) }
    #expect(harness.ready.isEmpty && harness.spilled == [0])
    harness.write()
    #expect(harness.ready == [other] && harness.store.reservedBytes == 700)
    harness.act { $0.end(other, into: &$1) }
    // What can't leave doesn't hold up a task for ever.
    var stuck = Harness()
    stuck.add(0, bytes: 400)
    let error = MusterError(.unsupported, "a test")
    stuck.prepare(other, inputs: [], output: 700)
    let ticket = stuck.orders[0].ticket
    stuck.act { $0.spillFailed(ticket, error, into: &$1) }
    #expect(stuck.ready == [other])
  }

  @Test func aTaskWithoutInputsWaitsSooner() {
    var harness = Harness()
    for index in 0..<5 { harness.add(index) }
    // What is pinned can't leave.
    harness.prepare(consumer, inputs: [0, 1, 2, 3, 4])
    #expect(harness.ready == [consumer])
    harness.prepare(other, inputs: [], output: 301)
    #expect(harness.ready.isEmpty)
    let third = BlockStore.Consumer.task(TaskID(layer: 1, index: 2))
    harness.act { $0.end(other, into: &$1) }
    harness.prepare(third, inputs: [], output: 300)
    #expect(harness.ready == [third])
  }

  /// What a layer's first block tells holds for tasks that have come before it, those too that run already.
  @Test func whatIsLearntHoldsForThoseWhoHaveComeBefore() {
    var harness = Harness()
    let tasks = (0..<4).map { TaskID(layer: 7, index: $0) }
    for task in tasks.dropFirst() { harness.prepare(.task(task), inputs: []) }
    #expect(harness.store.reservedBytes == 0)
    harness.act { $0.end(.task(tasks[1]), into: &$1) }
    harness.act { $0.store(NumberedBlock(number: 0, byteCount: 250), of: tasks[0], into: &$1) }
    #expect(harness.store.reservedBytes == 2 * 250)
    // Past 800 bytes none without inputs is let in.
    let late = BlockStore.Consumer.task(TaskID(layer: 7, index: 4))
    harness.prepare(late, inputs: [])
    #expect(harness.ready.isEmpty)
    harness.act { $0.end(.task(tasks[2]), into: &$1) }
    #expect(harness.ready == [late] && harness.store.reservedBytes == 2 * 250)
    // A task that has waited since before anything was known of its layer.
    var other = Harness()
    other.add(0, bytes: 550)
    other.prepare(consumer, inputs: [0], output: 300)
    let waiting = BlockStore.Consumer.task(TaskID(layer: 8, index: 1))
    other.prepare(waiting, inputs: [])
    #expect(other.ready.isEmpty)
    other.act { $0.store(NumberedBlock(number: 0, byteCount: 100), of: TaskID(layer: 8, index: 0), into: &$1) }
    other.act { $0.end(consumer, into: &$1) }
    #expect(other.ready == [waiting] && other.store.reservedBytes == 100)
  }

  @Test func aLayerThatTurnsOutLargeIsToldOfOnce() {
    var harness = Harness(smallestBlock: 50)
    let tasks = (0..<3).map { TaskID(layer: 7, index: $0) }
    #expect(harness.store.isLight(tasks[1], outputBytes: 0))
    harness.act { $0.finish(tasks[2], with: NumberedBlock(number: 2, byteCount: 10), byteCount: 10, into: &$1) }
    #expect(harness.store.takeUnexpected().isEmpty)
    harness.act { $0.finish(tasks[0], with: NumberedBlock(number: 0, byteCount: 100), byteCount: 100, into: &$1) }
    #expect(harness.store.takeUnexpected() == [7])
    harness.act { $0.finish(tasks[1], with: NumberedBlock(number: 1, byteCount: 200), byteCount: 200, into: &$1) }
    #expect(harness.store.takeUnexpected().isEmpty)
  }

  /// One that was let through before anybody knew counts while it runs; not where it waits for the others.
  @Test(arguments: [false, true]) func whatRunsAlreadyIsExpectedToMakeAsMuch(isIdleBefore: Bool) {
    var harness = Harness()
    let tasks = (0..<4).map { TaskID(layer: 7, index: $0) }
    harness.act { $0.finish(tasks[0], with: NumberedBlock(number: 0, byteCount: 800), byteCount: 800, into: &$1) }
    harness.write()
    harness.act { $0.noteRunning(tasks[1], isIdle: isIdleBefore, into: &$1) }
    #expect(harness.store.reservedBytes == 800 && harness.ready.isEmpty)
    harness.prepare(.task(tasks[2]), inputs: [])
    if !isIdleBefore {
      #expect(harness.ready.isEmpty)
      harness.act { $0.setIdle(.task(tasks[1]), true, into: &$1) }
    }
    #expect(harness.ready == [.task(tasks[2])] && harness.store.reservedBytes == 1600)
    harness.prepare(.task(tasks[3]), inputs: [])
    #expect(harness.ready.isEmpty)
    for index in 1..<3 { harness.act { $0.end(.task(tasks[index]), into: &$1) } }
    #expect(harness.ready == [.task(tasks[3])] && harness.store.reservedBytes == 800)
    // One that room was made for isn't told of again.
    harness.act { $0.noteRunning(tasks[3], isIdle: false, into: &$1) }
    #expect(harness.store.reservedBytes == 800)
    #expect(throws: Never.self) { try harness.store.checkInvariants() }
  }

  /// Where nobody says how much tasks make, others of the layer tell.
  @Test func theNextOfALayerIsExpectedToMakeAsMuch() {
    var harness = Harness()
    let (first, second) = (TaskID(layer: 7, index: 0), TaskID(layer: 7, index: 1))
    #expect(harness.store.isLight(first, inputs: [], outputBytes: 0))
    harness.act { $0.finish(first, with: NumberedBlock(number: 0, byteCount: 2000), byteCount: 2000, into: &$1) }
    #expect(!harness.store.isLight(second, outputBytes: 0))
    #expect(!harness.store.isLight(second, inputs: [], outputBytes: 0))
    #expect(harness.store.isLight(TaskID(layer: 8, index: 0), inputs: [], outputBytes: 0) == false)
    harness.write()
    #expect(harness.store.memoryBytes == 0)
    #expect(harness.store.isLight(TaskID(layer: 8, index: 0), inputs: [], outputBytes: 0))
    harness.act { $0.release(first, into: &$1) }
    // It isn't known, so it isn't refused: it runs alone.
    harness.prepare(.task(second), inputs: [])
    #expect(harness.ready == [.task(second)] && harness.store.reservedBytes == 2000)
    harness.prepare(.task(TaskID(layer: 7, index: 2)), inputs: [])
    #expect(harness.ready.isEmpty && harness.refused.isEmpty)
  }

  @Test func aTaskThatCannotFitIsRefused() {
    var harness = Harness()
    harness.add(0, bytes: 400)
    harness.add(1, bytes: 150)
    harness.prepare(consumer, inputs: [0, 0, 1], output: 450)
    #expect(harness.ready == [consumer])
    harness.act { $0.end(consumer, into: &$1) }
    harness.prepare(consumer, inputs: [0, 1], output: 451)
    #expect(harness.ready.isEmpty && harness.refused == [consumer])
    let layer = Layer(
      name: "svd", count: 4, yielding: EmptyBlock.self, inputs: { _, _ in }, run: { _ in EmptyBlock() })
    func error(_ output: Int, limit: Int) -> MusterError? {
      TaskFit.error(
        task: task(3), of: layer, rank: 2, attempt: 1, inputBytes: 550, outputBytes: output,
        marks: BlockStore.Marks(limit: limit))
    }
    #expect(error(450, limit: 1000) == nil && error(Int.max, limit: 0) == nil)
    let refusal = error(451, limit: 1000)
    #expect(refusal?.code == .outOfMemory && refusal?.task?.description == "svd[3] on rank 2")
    #expect(refusal?.message.contains("svd[3] can't fit") == true)
    #expect(refusal?.message.contains("1001 bytes") == true)
    #expect(refusal?.fix.contains("smaller chunks") == true && refusal?.fix.contains("MUSTER_MEMORY_LIMIT") == true)
    #expect(error(Int.max, limit: 1000)?.message.contains("more bytes than there are addresses") == true)
  }

  /// While a task has what would have to leave, and while that is written.
  @Test func aBlockOfAnotherMemberWaitsForRoom() {
    var harness = Harness()
    for index in 0..<6 { harness.add(index) }
    let atFirst = harness.admits(400)
    #expect(atFirst)
    harness.prepare(.task(task(10)), inputs: Array(0..<6))
    #expect(harness.ready == [.task(task(10))])
    let besideATask = harness.admits(500)
    #expect(!besideATask && harness.spilled.isEmpty)
    harness.act { $0.end(.task(task(10)), into: &$1) }
    // It is still asked for, and what the task had may leave.
    #expect(harness.spilled == [0])
    let order = harness.orders[0]
    let whileItIsWritten = harness.admits(500)
    #expect(!whileItIsWritten && harness.spilled.isEmpty)
    harness.act { $0.spilled(order.ticket, at: place(0), into: &$1) }
    let atLast = harness.admits(500)
    #expect(atLast)
  }

  /// Larger than the limit, and than what could leave: one at a time.
  @Test func aBlockThatNothingMakesRoomForComesAlone() {
    var harness = Harness()
    let first = harness.admits(1500)
    harness.act { $0.setTransit(BlockTransit(receivingBytes: 1500), into: &$1) }
    let second = harness.admits(400)
    harness.act { $0.setTransit(BlockTransit(sendingBytes: 1500), into: &$1) }
    let third = harness.admits(400)
    #expect([first, second, third] == [true, false, true])
  }

  /// Tasks that come later don't take the room that a block waits for, but where nothing else goes on.
  @Test func aBlockThatWaitsIsNotOvertaken() {
    var harness = Harness()
    harness.add(0)
    harness.prepare(.task(task(10)), inputs: [0], output: 500)
    #expect(harness.ready == [.task(task(10))])
    let mayCome = harness.admits(600)
    #expect(!mayCome)
    harness.prepare(.task(task(11)), inputs: [0], output: 100)
    #expect(harness.ready.isEmpty)
    harness.act { $0.setTransit(BlockTransit(announcedBytes: 300), into: &$1) }
    #expect(harness.ready == [.task(task(11))])
  }

  @Test func whatIsOnItsWayTakesUpRoom() {
    var harness = Harness()
    for index in 0..<5 { harness.add(index) }
    harness.act { $0.setTransit(BlockTransit(receivingBytes: 60, sendingBytes: 40), into: &$1) }
    #expect(harness.spilled.isEmpty)
    harness.act { $0.setTransit(BlockTransit(receivingBytes: 60, sendingBytes: 41), into: &$1) }
    #expect(harness.spilled == [0, 1])
    harness.act { $0.setTransit(BlockTransit(), into: &$1) }
    #expect(harness.store.reservedBytes == 0)
  }

  /// What the store has let go of stays with the transport until it has gone.
  @Test func blocksOfTheDiskAreSentOneAtATimeWhereTheMemoryIsFull() {
    var harness = Harness()
    for index in 0..<2 { harness.add(index, bytes: 400) }
    #expect(harness.spilled == [0])
    harness.write()
    harness.act { $0.setTransit(BlockTransit(sendingBytes: 700), into: &$1) }
    harness.prepare(.member(1, block: task(0)), inputs: [0])
    #expect(harness.loads.isEmpty)
    harness.write()
    harness.act { $0.setTransit(BlockTransit(), into: &$1) }
    #expect(harness.loads.map(\.task) == [0])
  }

  /// That a member waits for what another takes its time to receive is nothing to a task that fits.
  @Test func tasksNeedNotWaitForAMemberThatWaitsForAnother() throws {
    var harness = Harness()
    harness.add(0, bytes: 500)
    harness.add(1, bytes: 200)
    harness.write()
    harness.act { $0.setTransit(BlockTransit(sendingBytes: 700), into: &$1) }
    harness.write()
    #expect(harness.store.memoryBytes == 0)
    harness.prepare(.member(1, block: task(0)), inputs: [0], priority: .min)
    #expect(harness.loads.isEmpty && harness.ready.isEmpty)
    harness.prepare(consumer, inputs: [1])
    let ticket = try #require(harness.loads.first).ticket
    harness.act { $0.loaded(ticket, NumberedBlock(number: 1, byteCount: 200), into: &$1) }
    #expect(harness.ready == [consumer])
    try harness.store.checkInvariants()
    harness.act { $0.end(consumer, into: &$1) }
    #expect(harness.loads.isEmpty)
    harness.act { $0.setTransit(BlockTransit(), into: &$1) }
    #expect(harness.loads.map(\.task) == [0])
  }

  /// What is in memory is sent at once where there is room for it twice, else one at a time.
  @Test(arguments: [false, true]) func blocksInMemoryAreSentAsThereIsRoom(isCopied: Bool) throws {
    var harness = Harness()
    harness.add(0, bytes: 300, isCopied: isCopied)
    let other = NumberedBlock(number: 1, byteCount: 250)
    harness.act { $0.store(other, of: task(1), into: &$1) }
    // 550 and the 300 once more; and as much again, where it is copied.
    let isIn = harness.store.maySend(task(0))
    #expect(isIn == !isCopied)
    harness.act { $0.send(300, into: &$1) }
    #expect(!harness.store.maySend(task(1)))
    harness.act { $0.setTransit(BlockTransit(), into: &$1) }
    #expect(harness.store.maySend(task(1)))
  }

  /// A task that takes all of the limit has it to itself: what comes and goes does so before.
  @Test func aTaskThatIsTooLargeForBothWaitsForWhatIsOnItsWay() {
    var harness = Harness()
    // Of the inputs of those that are let in 500 bytes may be taken, but for one by itself.
    harness.add(0, bytes: 600)
    harness.act { $0.setTransit(BlockTransit(receivingBytes: 100), into: &$1) }
    harness.write()
    harness.prepare(consumer, inputs: [0])
    #expect(harness.loads.isEmpty)
    harness.act { $0.setTransit(BlockTransit(sendingBytes: 100), into: &$1) }
    #expect(harness.loads.isEmpty)
    harness.act { $0.setTransit(BlockTransit(), into: &$1) }
    #expect(harness.loads.map(\.task) == [0])
  }

  /// Room is left to write the largest of the blocks that are copied for that, as long as it is here.
  @Test(arguments: [false, true]) func theRoomToCopyOneIsLeft(isCopied: Bool) throws {
    var harness = Harness()
    harness.add(0, bytes: 300, isCopied: isCopied)
    harness.prepare(consumer, inputs: [], output: 100)
    #expect(harness.ready == [consumer])
    harness.prepare(other, inputs: [0], output: 400)
    #expect(harness.ready == (isCopied ? [] : [other]))
    try harness.store.checkInvariants()
  }

  @Test func theRoomToCopyOneIsLeftAsLongAsItIsHere() throws {
    var harness = Harness()
    for index in 0..<2 { harness.add(index, bytes: 200, isCopied: true) }
    harness.act { $0.release(task(0), into: &$1) }
    #expect(harness.store.room < 800)
    harness.act { $0.release(task(1), into: &$1) }
    #expect(harness.store.room == 1000)
    try harness.store.checkInvariants()
  }

  @Test func aFullDiskFailsWhereTheMemoryIsFullToo() {
    var harness = Harness()
    for index in 0..<7 { harness.add(index) }
    let full = MusterError(.diskFull, "the disk is full")
    for order in harness.orders { harness.act { $0.spillFailed(order.ticket, full, into: &$1) } }
    for index in 7..<10 {
      harness.add(index)
      #expect(harness.failure == nil && harness.orders.isEmpty)
    }
    harness.add(10)
    #expect(harness.failure == nil)
    // Who has the blocks already goes on; a task that would make more doesn't begin.
    harness.prepare(consumer, inputs: [0], output: 10)
    #expect(harness.failure == full && harness.ready.isEmpty)
  }

  /// A disk that was gone for a while doesn't fail all that comes after.
  @Test func aDiskThatFailedIsTriedAgainForTheNextTask() {
    var harness = Harness()
    for index in 0..<7 { harness.add(index) }
    let gone = MusterError(.inputOutput, "gone")
    func fail() { for order in harness.orders { harness.act { $0.spillFailed(order.ticket, gone, into: &$1) } } }
    fail()
    for index in 7..<11 { harness.add(index) }
    harness.prepare(consumer, inputs: [0], output: 10)
    #expect(harness.failure == gone && harness.ready.isEmpty && harness.orders.isEmpty)
    // It fails once more.
    harness.prepare(other, inputs: [0], output: 10)
    #expect(harness.failure == nil && !harness.orders.isEmpty)
    fail()
    #expect(harness.failure == gone && harness.ready.isEmpty)
    // And is back.
    let third = BlockStore.Consumer.task(TaskID(layer: 1, index: 2))
    harness.prepare(third, inputs: [10], output: 10)
    harness.write()
    #expect(harness.failure == nil && harness.store.reservedBytes == 10)
  }

  @Test func aFullDiskIsTriedAgainWhenThereIsRoom() {
    var harness = Harness()
    for index in 0..<7 { harness.add(index) }
    let orders = harness.orders
    harness.act { $0.spilled(orders[0].ticket, at: place(0), into: &$1) }
    harness.act { $0.spillFailed(orders[1].ticket, MusterError(.diskFull, "full"), into: &$1) }
    harness.add(7)
    #expect(harness.spilled.isEmpty)
    harness.act { $0.release(task(0), into: &$1) }
    #expect(harness.discarded == [place(0)] && !harness.spilled.isEmpty)
  }

  @Test func aBlockThatCannotBeReadFails() {
    var harness = Harness()
    for index in 0..<7 { harness.add(index) }
    harness.write()
    harness.prepare(consumer, inputs: [0])
    let ticket = harness.loads[0].ticket
    harness.act { $0.loadFailed(ticket, MusterError(.inputOutput, "gone"), into: &$1) }
    #expect(harness.failure?.message == "gone" && harness.store.block(of: task(0)) == nil)
    // So does whoever comes for it later, until it is released.
    harness.prepare(other, inputs: [0])
    #expect(harness.failure?.message == "gone")
    harness.act { $0.release(task(0), into: &$1) }
    #expect(!harness.store.holds(task(0)))
  }

  @Test func blocksThatCannotLeaveFailTasksPastTheLimit() {
    var harness = Harness(smallestBlock: 101)
    for index in 0..<9 { harness.add(index) }
    #expect(harness.orders.isEmpty)
    harness.add(9)
    // At the limit the most urgent one goes on alone.
    harness.prepare(consumer, inputs: [0])
    #expect(harness.ready == [consumer])
    harness.prepare(other, inputs: [])
    #expect(harness.ready.isEmpty && harness.failure == nil)
    harness.act { $0.end(consumer, storing: NumberedBlock(number: 10, byteCount: 1), of: task(10), into: &$1) }
    #expect(harness.failure?.code == .outOfMemory && harness.ready.isEmpty)
    let message = harness.failure?.message ?? ""
    #expect(message.contains("11 blocks of less than 101 bytes") && message.contains("1001 bytes"), "\(message)")
    #expect(harness.failure?.fix.contains("larger chunks") == true)
    // With room again tasks run again.
    harness.act { $0.release(task(0), into: &$1) }
    harness.prepare(other, inputs: [1])
    #expect(harness.ready == [other])
  }

  @Test func tasksOfSmallBlocksAreCountedToo() {
    var harness = Harness(smallestBlock: 101)
    let light = TaskID(layer: 2, index: 0)
    for index in 0..<6 { harness.add(index) }
    #expect(harness.store.isLight(light, outputBytes: 0) && harness.store.isLight(light, inputs: [], outputBytes: 0))
    harness.add(6)
    // Past the mark they wait for room as others do.
    #expect(!harness.store.isLight(light, outputBytes: 0) && !harness.store.isLight(light, inputs: [], outputBytes: 0))
    let free = BlockStore(limit: 0)
    #expect(free.isLight(light, outputBytes: 1 << 40))
  }

  @Test func aTypeThatCannotBeWrittenFailsTasksPastTheLimit() {
    var harness = Harness()
    for index in 0..<7 { harness.add(index) }
    let refusal = MusterError(.unsupported, "no")
    // Each time others are tried.
    while !harness.orders.isEmpty {
      for order in harness.orders { harness.act { $0.spillFailed(order.ticket, refusal, into: &$1) } }
    }
    harness.add(7, bytes: 301)
    while !harness.orders.isEmpty {
      for order in harness.orders { harness.act { $0.spillFailed(order.ticket, refusal, into: &$1) } }
    }
    harness.prepare(consumer, inputs: [0])
    #expect(harness.failure?.code == .outOfMemory)
    let message = harness.failure?.message ?? ""
    #expect(message.contains("8 blocks that stay since they can't be written (no) hold"), "\(message)")
    #expect(harness.failure?.fix.contains("Codable") == true)
    harness.act { $0.release(task(0), into: &$1) }
    harness.prepare(consumer, inputs: [1])
    #expect(harness.ready == [consumer])
  }
}
