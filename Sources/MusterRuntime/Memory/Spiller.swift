package import MusterScheduling
internal import Synchronization

/// Writes blocks to scratch files and reads them back, on two threads of its own, as a `BlockStore` asks.
///
/// One thread writes, so that the disk sees one sequence; both read, and reading comes first, since a task waits for it.
///
/// `@unchecked Sendable` is safe: the variables are used with `condition` locked only.
package final class Spiller: @unchecked Sendable {
  /// What became of an action, for the store.
  package enum Completion: Sendable {
    case spilled(BlockStore.Ticket, SpillPlace)
    case spillFailed(BlockStore.Ticket, MusterError)
    case loaded(BlockStore.Ticket, any Block)
    case loadFailed(BlockStore.Ticket, TaskID, MusterError)
  }

  private struct Load {
    var ticket: BlockStore.Ticket
    var task: TaskID
    var place: SpillPlace
    var type: any Block.Type
  }

  /// Small blocks are copied to pages that they share: so much at a time, since that is memory too.
  private static let mostCopied = 2 << 20

  private let condition = ConditionLock()
  /// Held while a large block is copied to be written, or comes back so: there is room for one at a time.
  private let coding = Mutex<Void>(())
  private let scratch: Scratch
  private let events: TraceRecorder?
  private let onCompletion: @Sendable () -> Void
  private var loads: [Load] = []
  private var batches: [[BlockStore.SpillOrder]] = []
  private var discarded: [SpillPlace] = []
  private var completions: [Completion] = []
  private var wantsTrim = false
  private var isShutDown = false
  private var threads = 0

  /// - Parameters:
  ///   - events: Who is told of what goes to disk and comes back.
  ///   - onCompletion: Called, on a thread of the spiller's, where there are completions after there were none.
  package init(scratch: Scratch, events: TraceRecorder? = nil, onCompletion: @escaping @Sendable () -> Void) {
    self.scratch = scratch
    self.events = events
    self.onCompletion = onCompletion
  }

  /// Threads are started by the first job: most sessions have none.
  private func startLocked() {
    guard threads == 0, !isShutDown else { return }
    threads = 2
    SystemThread.start(name: "muster-spill") { self.work(writes: true) }
    SystemThread.start(name: "muster-unspill") { self.work(writes: false) }
  }

  /// Has blocks written together.
  package func spill(_ orders: [BlockStore.SpillOrder]) {
    condition.withLock {
      startLocked()
      batches.append(orders)
      condition.broadcast()
    }
  }

  /// Has a block read back.
  package func load(_ ticket: BlockStore.Ticket, of task: TaskID, at place: SpillPlace, as type: any Block.Type) {
    condition.withLock {
      startLocked()
      loads.append(Load(ticket: ticket, task: task, place: place, type: type))
      condition.broadcast()
    }
  }

  /// Gives a block's space on disk back.
  package func discard(_ place: SpillPlace) {
    condition.withLock {
      startLocked()
      discarded.append(place)
      condition.broadcast()
    }
  }

  /// Has memory that is free within the process given back to the kernel, which takes too long for other threads.
  package func trim() {
    condition.withLock {
      startLocked()
      wantsTrim = true
      condition.broadcast()
    }
  }

  package func takeCompletions(into list: inout [Completion]) {
    list.removeAll(keepingCapacity: true)
    condition.withLock { swap(&list, &completions) }
  }

  package var hasCompletions: Bool { condition.withLock { !completions.isEmpty } }

  /// Forgets what hasn't begun, waits for what has, and removes the scratch files.
  package func shutDown() {
    condition.withLock {
      isShutDown = true
      (loads, batches, discarded) = ([], [], [])
      condition.broadcast()
      while threads > 0 { condition.wait() }
      completions = []
    }
    scratch.removeAll()
  }

  private func work(writes: Bool) {
    condition.lock()
    while !isShutDown {
      if writes, !discarded.isEmpty {
        // First: what is written next may need the space.
        let places = takeDiscarded()
        withoutLock {
          _ = self.giveBack(places)
          return []
        }
      } else if writes, wantsTrim {
        // Before others, who would keep it from its turn for long: the process takes too much meanwhile.
        wantsTrim = false
        withoutLock {
          ProcessMemory.trim()
          return []
        }
      } else if !loads.isEmpty {
        let load = loads.removeFirst()
        withoutLock { self.read(load) }
      } else if writes, !batches.isEmpty {
        var batch = batches.removeFirst()
        withoutLock {
          // The blocks are to be gone when it is said that they are on disk.
          var orders: [BlockStore.SpillOrder] = []
          swap(&orders, &batch)
          return self.write(orders)
        }
      } else {
        condition.wait()
      }
    }
    threads -= 1
    condition.broadcast()
    condition.unlock()
  }

  private func withoutLock(_ job: () -> [Completion]) {
    condition.unlock()
    var new = job()
    condition.lock()
    guard !new.isEmpty, !isShutDown else { return }
    let rings = completions.isEmpty
    completions += new
    // Whoever takes a block that was read may let go of it while this thread still rings.
    new = []
    guard rings else { return }
    condition.unlock()
    onCompletion()
    condition.lock()
  }

  private func read(_ load: Load) -> [Completion] {
    let begin = MonotonicClock.nanoseconds
    do {
      let block =
        load.place.isCopied
        ? try coding.withLock { _ in try scratch.read(load.place, as: load.type) }
        : try scratch.read(load.place, as: load.type)
      events?.unspilled(load.task, bytes: load.place.byteCount, begin: begin, end: MonotonicClock.nanoseconds)
      return [.loaded(load.ticket, block)]
    } catch let error as MusterError {
      return [.loadFailed(load.ticket, load.task, error)]
    } catch {
      return [
        .loadFailed(load.ticket, load.task, MusterError(.internal, "a block came back damaged from disk: \(error)"))
      ]
    }
  }

  private func write(_ orders: [BlockStore.SpillOrder]) -> [Completion] {
    var completions: [Completion] = []
    var left = orders[...]
    while let next = left.first {
      if next.isCopied {
        coding.withLock { _ in writeSome(of: &left, into: &completions) }
      } else {
        writeSome(of: &left, into: &completions)
      }
    }
    return completions
  }

  /// Writes the first, and others as far as little is copied for them.
  private func writeSome(of left: inout ArraySlice<BlockStore.SpillOrder>, into completions: inout [Completion]) {
    var batch = SpillBatch()
    var written: [BlockStore.SpillOrder] = []
    var isFirst = true
    while batch.copiedBytes < Self.mostCopied, let order = left.first, isFirst || !order.isCopied {
      left.removeFirst()
      isFirst = false
      do throws(MusterError) {
        try batch.append(order.block)
        written.append(order)
      } catch {
        completions.append(.spillFailed(order.ticket, error))
      }
    }
    guard !batch.isEmpty else { return }
    do throws(MusterError) {
      let begin = MonotonicClock.nanoseconds
      let places = try write(batch)
      let end = MonotonicClock.nanoseconds
      for (order, place) in zip(written, places) {
        events?.spilled(order.task, bytes: place.byteCount, begin: begin, end: end)
        completions.append(.spilled(order.ticket, place))
      }
    } catch {
      // The rest would fail too.
      completions += (written + left).map { .spillFailed($0.ticket, error) }
      left = []
    }
  }

  /// Writes once more where the disk is full, and space has become free that it wasn't told of.
  private func write(_ batch: SpillBatch) throws(MusterError) -> [SpillPlace] {
    do throws(MusterError) {
      return try scratch.write(batch)
    } catch {
      guard error.code == .diskFull, giveBack(condition.withLock(takeDiscarded)) else { throw error }
    }
    return try scratch.write(batch)
  }

  private func takeDiscarded() -> [SpillPlace] {
    defer { discarded = [] }
    return discarded
  }

  /// Returns whether there was anything to give back.
  private func giveBack(_ places: [SpillPlace]) -> Bool {
    for place in places { scratch.free(place) }
    return !places.isEmpty
  }
}

extension BlockStore {
  /// Takes what the spiller has done.
  package mutating func receive(_ completion: Spiller.Completion, into actions: inout [Action]) {
    switch completion {
    case .spilled(let ticket, let place): spilled(ticket, at: place, into: &actions)
    case .spillFailed(let ticket, let error): spillFailed(ticket, error, into: &actions)
    case .loaded(let ticket, let block): loaded(ticket, block, into: &actions)
    case .loadFailed(let ticket, _, let error): loadFailed(ticket, error, into: &actions)
    }
  }
}
