import MusterRuntime
import MusterScheduling

/// Workers come and go, and run more tasks at a time or fewer.
extension Simulation {
  mutating func join(_ offer: SimulationOptions.Worker) {
    joinsToCome -= 1
    let number = workers.count
    // Else the limit is the scheduler's alone: the blocks of most simulations are too small for disks.
    var marks = BlockStore.Marks(limit: options.smallestBlock == nil ? 0 : offer.memoryLimit)
    if let smallest = options.smallestBlock { marks.smallestBlock = smallest }
    workers.append(SimulatedWorker(slots: offer.slots, memoryLimit: offer.memoryLimit, marks: marks))
    for graph in 0..<added { comeToGraph(graph, at: number) }
    report.runsByWorker.append(0)
    let event = Event.workerJoined(WorkerID(number), slots: offer.slots, memoryLimit: offer.memoryLimit)
    send(.event(event), from: number, to: Self.scheduler, options.messageDelay)
  }

  mutating func lose() throws {
    let left = workers.indices.filter { !workers[$0].isDoomed }
    // Mostly one whose loss matters.
    let rich = random.chance(0.8) ? left.filter { !workers[$0].state.heldBlocks.isEmpty } : []
    guard !isOver, let number = (rich.isEmpty ? left : rich).randomElement(using: &random) else { return }
    workers[number].isDoomed = true
    // A worker that is wrongly declared lost goes on: what it reports from now on arrives after that.
    if !random.chance(options.falseLosses) {
      workers[number].isRunning = false
      blockCount -= workers[number].countedBlocks
      try forgetTransfers(to: number)
    }
    send(.event(.workerLost(WorkerID(number))), from: number, to: Self.scheduler, options.messageDelay)
    if joinsToCome == 0 && workers.allSatisfy(\.isDoomed) {
      joinsToCome += 1
      queue.add(.join(SimulationOptions.Worker(slots: 1)), at: now + 1_000_000)
    }
  }

  mutating func changeSlots() {
    guard let number = workers.indices.filter({ workers[$0].isRunning }).randomElement(using: &random) else { return }
    report.slotChanges += 1
    workers[number].slots = Int.random(in: 1...6, using: &random)
    // Tasks don't wait here; the scheduler hears now and then that some do, and has to come to an end all the same.
    let offer = PlaceOffer(slots: workers[number].slots, waiting: random.chance(0.3) ? 2 : 0)
    let message = Happening.toScheduler(.slots(offer), from: number)
    send(message, from: number, to: Self.scheduler, options.messageDelay)
    begin(at: number)
  }
}
