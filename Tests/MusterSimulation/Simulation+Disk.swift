import MusterRuntime
import MusterScheduling

/// The disks of workers, which take their time and fail.
extension Simulation {
  mutating func write(_ orders: [BlockStore.SpillOrder], at worker: Int) throws {
    guard !orders.isEmpty else { throw fault("worker \(worker) writes nothing") }
    for order in orders {
      guard !workers[worker].isTaking(order.task, in: graph) else {
        throw fault("worker \(worker) writes \(order.task), which a task takes")
      }
      report.spills += 1
      var completion: Spiller.Completion
      if random.chance(options.diskFailures) {
        report.diskFailures += 1
        let codes: [MusterError.Code] = [.diskFull, .diskFull, .unsupported, .inputOutput]
        completion = .spillFailed(order.ticket, MusterError(codes.randomElement(using: &random)!, "a disk failed"))
      } else {
        workers[worker].nextPlace += 1
        let place = SpillPlace(
          file: 0, offset: workers[worker].nextPlace, byteCount: 1, headerSize: 1, segmentSizes: [])
        workers[worker].disk[place] = order.block as? SimulatedBlock
        completion = .spilled(order.ticket, place)
      }
      queue.add(.disk(worker, completion), at: now + Int.random(in: options.diskDelay, using: &random))
    }
  }

  mutating func read(
    _ task: TaskID, at place: SpillPlace, _ ticket: BlockStore.Ticket, at worker: Int
  ) throws {
    guard let block = workers[worker].disk[place] else {
      throw fault("worker \(worker) reads \(task) where nothing was written")
    }
    report.loads += 1
    let completion: Spiller.Completion
    if random.chance(options.diskFailures) {
      report.diskFailures += 1
      completion = .loadFailed(ticket, task, MusterError(.inputOutput, "a disk failed"))
    } else {
      completion = .loaded(ticket, block)
    }
    queue.add(.disk(worker, completion), at: now + Int.random(in: options.diskDelay, using: &random))
  }

  mutating func diskDone(_ completion: Spiller.Completion, at worker: Int) throws {
    var actions: [WorkerState.Action] = []
    workers[worker].state.receive(completion, into: &actions)
    try carryOut(&actions, at: worker)
  }
}
