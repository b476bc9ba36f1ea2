internal import Glibc
internal import MusterScheduling

/// The engine of one process: `threads` threads, or none of its own (`synchronous`: tasks run on the calling thread).
final class LocalEngine: Engine {
  let rank = 0
  let rankCount = 1
  let workerCount = 1
  let threadCount: Int
  /// In bytes; 0 where there is none.
  let memoryLimit: Int
  let patience = 50_000
  let events: TraceRecorder?
  let coordination = Coordination()
  private let isSynchronous: Bool
  private let worker: LocalWorker

  /// - Parameter environment: Where the folder of scratch files is looked up.
  init(
    threads: Int, synchronous: Bool, memoryLimit: Int, environment: [String: String], board: ProgressBoard?,
    events: TraceRecorder?
  ) {
    self.events = events
    self.memoryLimit = memoryLimit
    isSynchronous = synchronous
    threadCount = synchronous ? 1 : threads
    BlockAllocator.shared.memoryLimit = memoryLimit
    // Before there are threads.
    ProcessMemory.boundHeaps(threads: threadCount, memoryLimit: memoryLimit, environment: environment)
    Scratch.removeRemainsInBackground(environment: environment)
    let worker = LocalWorker(
      threads: threadCount, isSynchronous: synchronous, memoryLimit: memoryLimit,
      scratch: Scratch(environment: environment), board: board, events: events, coordination: coordination)
    self.worker = worker
    coordination.whenProgramWaits { [weak worker] in worker?.lookForStall() }
    guard !synchronous else { return }
    for number in 0..<threads {
      SystemThread.start(name: "muster-task-\(number)") { worker.work() }
    }
  }

  deinit { worker.shutDown() }

  func compute(
    _ submission: Submission, arrival: Arrival,
    completion: @escaping @Sendable (Result<ComputedBlocks, MusterError>) -> Void
  ) {
    events?.register(submission)
    worker.compute(submission, completion: completion)
  }

  func gather(
    _ tasks: [TaskID], arrival: Arrival, completion: @escaping @Sendable (Result<ComputedBlocks, MusterError>) -> Void
  ) {
    worker.gather(tasks, completion: completion)
  }

  func submit(_ submission: Submission) {
    events?.register(submission)
    worker.submit(submission)
  }

  func runReady() {
    if isSynchronous { worker.drain() }
  }

  func release(_ tasks: [TaskID], of graph: GraphID) { worker.release(tasks, of: graph) }

  func cancel(_ tasks: [TaskID]) { worker.cancel(tasks) }

  func endWatch(_ number: Int) { worker.endWatch(number) }

  func graphCounts() -> GraphCounts { worker.graphCounts() }

  func ask(
    _ question: FutureQuestion, arrival: Arrival,
    completion: @escaping @Sendable (Result<[UInt8], MusterError>) -> Void
  ) {
    worker.ask(question, completion: completion)
  }

  func shareFromRoot(_ outcome: Result<[UInt8], MusterError>?, arrival: Arrival) -> Result<[UInt8], MusterError> {
    guard let outcome else { preconditionFailure("a session of one process is its own root") }
    return outcome
  }

  func drains(by plan: DrainPlan) {
    SystemThread.start(name: "muster-drain") { [weak worker, events] in
      var state = DrainState(jobEnd: plan.jobEnd)
      while let worker, !worker.hasEnded {
        let (longest, isIdle) = worker.drainView
        let action = state.look(
          at: MonotonicClock.nanoseconds, signal: DrainSignal.reason, longestTask: longest,
          isIdle: isIdle && !plan.isBusy())
        switch action {
        case .stop:
          DrainPlan.tell(action!)
          worker.stop()
        case .leave(let reason):
          plan.flush()
          guard plan.leave(reason) else {
            guard reason == .termination else { return }
            // It has the time that any other session has to come to its end.
            usleep(UInt32(DrainState.lastPatience / 1000))
            if !worker.hasEnded { Signals.end() }
            return
          }
          DrainPlan.tell(action!)
          events?.noteEnding(.drained)
          events?.finishReport()
          events?.finish()
          DrainedEnd.leave()
        case nil: usleep(Self.drainInterval)
        }
      }
    }
  }

  /// How often it's looked whether the session is to leave, in microseconds.
  private static let drainInterval: UInt32 = 20_000

  func finish(arrival: Arrival) {
    coordination.close()
    worker.shutDown()
    BlockAllocator.shared.releaseKept()
  }
}
