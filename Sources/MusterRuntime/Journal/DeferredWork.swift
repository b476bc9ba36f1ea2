internal import MusterScheduling

/// What the program has asked for while its earlier runs are replayed: nothing of it is done before the first call that
/// the journal doesn't have, and of it only what is needed from then on. A value.
struct DeferredWork: Sendable {
  enum Request: Sendable {
    case submit(Submission)
    case release([TaskID], of: GraphID)
    case cancel([TaskID])
  }

  private enum Entry: Sendable {
    case submission(Int)
    case release([TaskID], of: GraphID)
    case cancel([TaskID])
  }

  private var entries: [Entry] = []
  /// In the order of their layers.
  private var submissions: [Submission] = []

  var isEmpty: Bool { entries.isEmpty }
  var submissionCount: Int { submissions.count }

  init() {}

  init(_ requests: [Request]) { for request in requests { append(request) } }

  mutating func append(_ request: Request) {
    switch request {
    case .submit(let submission):
      entries.append(.submission(submissions.count))
      submissions.append(submission)
    case .release(let tasks, let graph): entries.append(.release(tasks, of: graph))
    case .cancel(let tasks): entries.append(.cancel(tasks))
    }
  }

  /// The type of the blocks that a layer yields; nil where no request has it. O(log n).
  func blockType(of layer: UInt32) -> (any Block.Type)? {
    guard let submission = submission(of: Int(layer)) else { return nil }
    return submissions[submission].plan.layers[Int(layer) - submissions[submission].firstLayer].blockType
  }

  /// The place of the submission that a layer is of.
  private func submission(of layer: Int) -> Int? {
    var range = 0..<submissions.count
    while !range.isEmpty {
      let middle = range.lowerBound + range.count / 2
      let layers = submissions[middle].layers
      if layers.contains(layer) { return middle }
      range = layers.lowerBound > layer ? range.lowerBound..<middle : middle + 1..<range.upperBound
    }
    return nil
  }

  /// The graphs that are needed from now on: some of their results haven't been let go of, or others that are needed take
  /// them. Looks at each of their tasks once.
  ///
  /// For rank 0 to decide: at which moment a handle goes isn't the same on every rank.
  func neededGraphs() -> [Int] {
    var released: [GraphID: Set<TaskID>] = [:]
    for case .release(let tasks, let graph) in entries { released[graph, default: []].formUnion(tasks) }
    var wanted = Set<TaskID>()
    var needed: [Int] = []
    for submission in submissions.reversed() {
      let gone = released[submission.graph] ?? []
      let roots = Set(submission.plan.results.filter { !gone.contains($0) || wanted.contains($0) })
      guard !roots.isEmpty else { continue }
      needed.append(Int(submission.graph.number))
      wanted.formUnion(Self.externalInputs(of: roots, in: submission))
    }
    return needed.reversed()
  }

  /// What some tasks of a graph take, directly or through others of it, that earlier graphs make.
  private static func externalInputs(of roots: Set<TaskID>, in submission: Submission) -> Set<TaskID> {
    var seen = roots
    var pending = Array(roots)
    var external = Set<TaskID>()
    var inputs: [TaskID] = []
    while let task = pending.popLast() {
      guard submission.layers.contains(Int(task.layer)) else {
        external.insert(task)
        continue
      }
      inputs.removeAll(keepingCapacity: true)
      submission.plan.layers[Int(task.layer) - submission.firstLayer].tasks.inputs(Int(task.index), &inputs)
      for input in inputs where seen.insert(input).inserted { pending.append(input) }
    }
    return external
  }

  /// What was put off, in the order in which the program asked for it.
  var allRequests: [Request] {
    entries.map { entry in
      switch entry {
      case .submission(let place): .submit(submissions[place])
      case .release(let tasks, let graph): .release(tasks, of: graph)
      case .cancel(let tasks): .cancel(tasks)
      }
    }
  }

  /// What is to be asked for where only some graphs are needed, in the order in which the program did.
  func requests(ofGraphs needed: [Int]) -> [Request] {
    let needed = Set(needed)
    func isNeeded(_ task: TaskID) -> Bool {
      submission(of: Int(task.layer)).map { needed.contains(Int(submissions[$0].graph.number)) } ?? true
    }
    return entries.compactMap { entry in
      switch entry {
      case .submission(let place):
        needed.contains(Int(submissions[place].graph.number)) ? .submit(submissions[place]) : nil
      case .release(let tasks, let graph): needed.contains(Int(graph.number)) ? .release(tasks, of: graph) : nil
      case .cancel(let tasks): .cancel(tasks.filter(isNeeded))
      }
    }
  }
}
