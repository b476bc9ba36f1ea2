internal import MusterScheduling

/// How a task that is submitted runs.
public struct TaskOptions: Sendable {
  /// Tasks of higher priority run first, whichever was submitted first; of the same priority the earlier one.
  public var priority: Int
  /// How many times a task that threw is run again before it has failed, 0 or more.
  public var retries: Int
  /// For how long the task may run; past that it has failed, with `timedOut`, or is run again. A function can't be stopped
  /// from outside: it goes on until it returns, and others run in its place meanwhile. A worker has 64 spare threads for
  /// that and for tasks that wait; where functions that don't return have taken all of them, its tasks fail with
  /// `threadsExhausted`. With the synchronous backend the error comes once the function has returned.
  public var timeout: Duration?

  /// - Parameters:
  ///   - priority: in -32,768 ... 32,767; others are taken for the nearest of these.
  public init(priority: Int = 0, retries: Int = 0, timeout: Duration? = nil) {
    self.priority = priority
    self.retries = retries
    self.timeout = timeout
  }

  var urgency: Int16 { Int16(clamping: priority) }

  /// What differs from the defaults, for messages: ranks compare it.
  var detail: String {
    var parts: [String] = []
    if priority != 0 { parts.append("priority \(priority)") }
    if retries != 0 { parts.append("retries \(retries)") }
    if let timeout { parts.append("timeout \(timeout)") }
    return parts.joined(separator: ", ")
  }

  func check() throws(MusterError) {
    if retries < 0 {
      throw MusterError(
        .invalidArgument, "TaskOptions.retries is \(retries)", fix: "Use 0 for none, or the number of further attempts")
    }
    if let timeout, timeout <= .zero {
      throw MusterError(
        .invalidArgument, "TaskOptions.timeout is \(timeout)", fix: "Use a time above 0, or nil where there is no limit"
      )
    }
  }
}

extension Session {
  /// Has a function run by some worker, at once: the program goes on meanwhile.
  ///
  /// Hold what this returns, or something made of it: a task that nothing wants any more isn't begun, and a value that
  /// nothing wants is let go of.
  ///
  /// Every rank has to make the same calls in the same order. The function runs on any rank and thread, perhaps more than
  /// once; what it captures has to be the same on every rank.
  ///
  /// - Parameters:
  ///   - inputs: what the function takes: futures, delayed values, arrays, and lists of such. It runs when they are there.
  ///   - name: what messages, progress and traces call it.
  ///   - options: priority, retries and a timeout.
  ///   - body: the function; its value has to be of a type that can cross to other ranks, as of `delayed`.
  /// - Throws: `MusterError`: `invalidArgument` where the value can't cross to other ranks, the error that building an
  ///   input met, `session` after the session's end.
  public func submit<each Input: GraphValue, Value: Sendable>(
    _ inputs: repeat each Input, name: String = "submit", options: TaskOptions = TaskOptions(),
    file: StaticString = #fileID, line: UInt = #line,
    _ body: @escaping @Sendable (repeat (each Input).Value) throws -> Value
  ) throws -> Future<Value> {
    let delayed = delayed(repeat each inputs, name: name, file: file, line: line, body)
    return Future(node: try start(delayed.node, options: options))
  }

  /// Has a function run for each element, at once.
  ///
  /// - Parameters:
  ///   - elements: plain values, in the same order and the same on every rank (numbers, strings, arrays and lists of such
  ///     are compared); each is captured by its task.
  /// - Returns: a future for each element, in their order.
  /// - Throws: as `submit`.
  public func map<Elements: Sequence, Value: Sendable>(
    _ elements: Elements, name: String = "map", options: TaskOptions = TaskOptions(), file: StaticString = #fileID,
    line: UInt = #line, _ body: @escaping @Sendable (Elements.Element) throws -> Value
  ) throws -> [Future<Value>] where Elements.Element: Sendable {
    let place = SourcePlace(file: file, line: line)
    let nodes = elements.map { element in
      putOff(name, at: place, contents: ValueDigest.text(of: element)) { try body(element) }
    }
    return try start(nodes, options: options).map { Future(node: $0) }
  }

  /// Has a function run for each of some futures, delayed values or arrays, each as soon as it is there.
  ///
  /// - Returns: a future for each input, in their order.
  /// - Throws: as `submit`.
  public func map<Inputs: Sequence, Value: Sendable>(
    _ inputs: Inputs, name: String = "map", options: TaskOptions = TaskOptions(), file: StaticString = #fileID,
    line: UInt = #line, _ body: @escaping @Sendable (Inputs.Element.Value) throws -> Value
  ) throws -> [Future<Value>] where Inputs.Element: GraphValue {
    let nodes = inputs.map { delayed($0, name: name, file: file, line: line, body).node }
    return try start(nodes, options: options).map { Future(node: $0) }
  }

  /// Spreads values over the workers, as futures. Every rank has to pass the same values; of numbers, strings, arrays and
  /// lists of such that is seen to.
  ///
  /// - Throws: as `submit`.
  public func scatter<Value: Sendable>(
    _ values: [Value], name: String = "scatter", file: StaticString = #fileID, line: UInt = #line
  ) throws -> [Future<Value>] {
    try map(values, name: name, file: file, line: line) { $0 }
  }

  /// Gives a value to every worker, as a future: since each rank's program has it, nothing crosses between them.
  public func broadcast<Value: Sendable>(
    _ value: Value, name: String = "broadcast", file: StaticString = #fileID, line: UInt = #line
  ) -> Future<Value> {
    Future(
      value,
      node: putOff(
        name, at: SourcePlace(file: file, line: line), contents: ValueDigest.text(of: value)
      ) { value })
  }

  /// Waits for some futures and returns their values, in their order. Collective.
  ///
  /// - Throws: `MusterError`, the same on every rank: what the first one to fail threw.
  public func gather<Value: Sendable>(
    _ futures: [Future<Value>], file: StaticString = #fileID, line: UInt = #line
  ) async throws -> [Value] {
    try await compute(one: futures, at: SourcePlace(file: file, line: line))
  }

  /// How far some futures are. Collective: every rank gets the same answers.
  ///
  /// - Throws: `MusterError` with code `session`, after the session's end.
  public func statuses<Value: Sendable>(
    of futures: [Future<Value>], file: StaticString = #fileID, line: UInt = #line
  ) async throws -> [FutureStatus] {
    let tasks = futures.compactMap(\.task)
    let answer = try await ask(
      .status(tasks), operation: "status", detail: "\(tasks.count) futures, \(tasks.digest)",
      callSite: CallSite(file: file, line: line))
    var rest = answer[...]
    return futures.map { $0.task == nil ? .finished : FutureStatus(rawValue: rest.removeFirst()) ?? .pending }
  }

  /// Cancels several futures: see `Future.cancel`. Every rank has to make the call.
  ///
  /// - Throws: `MusterError` with code `session`, in a task.
  public func cancel<Value: Sendable>(
    _ futures: [Future<Value>], file: StaticString = #fileID, line: UInt = #line
  ) throws {
    try cancel(futures.compactMap(\.task), operation: "cancel", callSite: CallSite(file: file, line: line))
  }

  /// Submits a node as a graph. Returns what it is then: kept.
  @usableFromInline
  func start(_ node: DelayedNode, options: TaskOptions) throws -> DelayedNode {
    let submitted = try submit([.delayed(node)], as: node.kind.call, options: options)
    return DelayedNode(
      node,
      kept: KeptTasks(session: self, graph: submitted.graph, tasks: submitted.tasks, areFutures: true),
      number: submitted.number)
  }

  /// Submits nodes of one kind as one graph. Returns what they are then: kept.
  private func start(_ nodes: [DelayedNode], options: TaskOptions) throws -> [DelayedNode] {
    guard let first = nodes.first else { return [] }
    let submitted = try submit(nodes.map { .delayed($0) }, as: first.kind.call, options: options)
    return zip(nodes, submitted.tasks).map { node, task in
      DelayedNode(
        node, kept: KeptTasks(session: self, graph: submitted.graph, tasks: [task], areFutures: true),
        number: submitted.number)
    }
  }

  private func submit(
    _ sources: [GraphSource], as kind: CallKind, options: TaskOptions
  ) throws -> (graph: GraphID, tasks: [TaskID], number: Int) {
    try options.check()
    var plan = try GraphLowering.plan(for: sources, session: self)
    if options.retries > 0 || options.timeout != nil {
      for layer in Set(plan.results.map { Int($0.layer) }) { plan.setOptions(of: layer, options) }
    }
    var call = Call(kind, sources: CallSources(sources))
    call.detail = options.detail
    return try submit(plan, call: call, urgency: options.urgency, isOfFutures: true)
  }
}

extension [TaskID] {
  /// Stands for the tasks in the record of calls.
  var digest: String {
    var digest = Fingerprint()
    for task in self { digest.fold(UInt64(task.layer) << 32 | UInt64(task.index)) }
    return String(digest.low >> 32, radix: 16)
  }
}
