internal import MusterScheduling

/// The connection of a program to the ranks and threads that compute for it.
public final class Session: Sendable {
  init() {}

  /// Whether this rank is rank 0, the one that prints. True in a session of one process.
  public var isRoot: Bool { true }
  /// The threads that compute, over all workers.
  public var threadCount: Int { 1 }
  /// The number of workers.
  public var workerCount: Int { 1 }

  /// Folds a call that builds a graph into the session's fingerprint. Every rank must make the same calls.
  public func record(
    _ operation: String, shape: [Int] = [], elementType: String = "", detail: String = "", callSite: CallSite? = nil
  ) {}

  /// Collective: runs a plan and returns the blocks of its results, the same on every rank.
  ///
  /// - Throws: `MusterError`, the same on every rank; an error of a task has `task` set.
  public func compute(_ plan: Plan, operation: String, callSite: CallSite? = nil) async throws -> [any Block] {
    // Interim: serial evaluation in layer order.
    var store: [TaskID: any Block] = [:]
    var needed: Set<TaskID> = []
    var stack = plan.results
    while let task = stack.popLast() {
      guard needed.insert(task).inserted else { continue }
      plan.layers[Int(task.layer)].tasks.inputs(Int(task.index), &stack)
    }
    for task in needed.sorted() {
      let layer = plan.layers[Int(task.layer)]
      var inputs: [TaskID] = []
      layer.tasks.inputs(Int(task.index), &inputs)
      store[task] = try layer.run(TaskInputs(index: Int(task.index), blocks: inputs.map { store[$0]! }))
    }
    return plan.results.map { store[$0]! }
  }

  /// Collective, and blocks the calling thread: runs `body` on rank 0 alone and returns its value, or throws its
  /// error, on every rank. For short things, such as the metadata of a file.
  public func onRoot<T: Codable & Sendable>(
    _ operation: String, callSite: CallSite? = nil, _ body: () throws -> T
  ) throws -> T {
    try body()
  }

  /// Runs a program in a session.
  public static func run<R>(_ body: (Session) async throws -> R) async throws -> R {
    try await body(Session())
  }
}
