/// The engine of one process: `threads` threads, or none of its own (`synchronous`: tasks run on the calling thread).
final class LocalEngine: Engine {
  let rank = 0
  let rankCount = 1
  let workerCount = 1
  let threadsPerWorker: Int
  let coordination = Coordination()
  private let memoryLimit: Int
  private let pool: ThreadPool?
  private let board: ProgressBoard?

  init(threads: Int, synchronous: Bool, memoryLimit: Int, board: ProgressBoard?) {
    threadsPerWorker = synchronous ? 1 : threads
    self.memoryLimit = memoryLimit
    BlockAllocator.shared.memoryLimit = memoryLimit
    pool = synchronous ? nil : ThreadPool(threads: threads)
    self.board = board
  }

  deinit { pool?.shutDown() }

  func compute(
    _ plan: Plan, arrival: Arrival, completion: @escaping @Sendable (Result<[any Block], MusterError>) -> Void
  ) {
    let execution: LocalExecution
    do throws(MusterError) {
      execution = try LocalExecution(
        plan: plan, threads: threadsPerWorker, memoryLimit: memoryLimit, board: board,
        coordination: coordination, sequence: arrival.sequence, spareThreads: pool == nil ? 0 : SparePlaces.limit,
        completion: completion)
    } catch {
      completion(.failure(error))
      return
    }
    if let pool {
      for _ in 0..<threadsPerWorker { pool.submit { execution.work() } }
    } else {
      execution.work()
    }
  }

  func shareFromRoot(_ outcome: Result<[UInt8], MusterError>?, arrival: Arrival) -> Result<[UInt8], MusterError> {
    guard let outcome else { preconditionFailure("a session of one process is its own root") }
    return outcome
  }

  func finish(arrival: Arrival) {
    coordination.close()
    pool?.shutDown()
    BlockAllocator.shared.releaseKept()
  }
}
