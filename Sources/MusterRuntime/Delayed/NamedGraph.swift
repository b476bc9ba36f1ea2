/// A graph written out by hand: tasks by name, each with the names of those whose values it takes. Dask's raw graphs.
///
///     let graph: NamedGraph<Double> = [
///       "a": .value(1),
///       "b": .task("a") { a in a + 1 },
///       "c": .task("a", "b") { a, b in a * b },
///       "sum": .task(all: ["a", "b", "c"]) { values in values.reduce(0, +) },
///     ]
///     let tasks = try session.delayed(graph)
///     print(try await session.compute(tasks["c"]!, tasks["sum"]!))
///
/// For graphs that a program reads or makes up as it goes; `Session.delayed` with a closure is simpler where the program
/// itself knows what depends on what. All tasks yield values of one type: an enumeration where they differ.
public struct NamedGraph<Value: Sendable>: Sendable, ExpressibleByDictionaryLiteral {
  /// One task of the graph.
  public struct Task: Sendable {
    var inputs: [String]
    var callSite: CallSite
    var body: @Sendable ([Value]) throws -> Value

    /// A value that is there already.
    public static func value(_ value: Value, file: StaticString = #fileID, line: UInt = #line) -> Task {
      Task(inputs: [], callSite: CallSite(file: file, line: line)) { _ in value }
    }

    /// A function without inputs.
    public static func task(
      file: StaticString = #fileID, line: UInt = #line, _ body: @escaping @Sendable () throws -> Value
    ) -> Task {
      Task(inputs: [], callSite: CallSite(file: file, line: line)) { _ in try body() }
    }

    /// A function of the value of another task.
    public static func task(
      _ input: String, file: StaticString = #fileID, line: UInt = #line,
      _ body: @escaping @Sendable (Value) throws -> Value
    ) -> Task {
      Task(inputs: [input], callSite: CallSite(file: file, line: line)) { try body($0[0]) }
    }

    /// A function of the values of two other tasks.
    public static func task(
      _ first: String, _ second: String, file: StaticString = #fileID, line: UInt = #line,
      _ body: @escaping @Sendable (Value, Value) throws -> Value
    ) -> Task {
      Task(inputs: [first, second], callSite: CallSite(file: file, line: line)) { try body($0[0], $0[1]) }
    }

    /// A function of the values of any number of other tasks, in the order of their names here.
    public static func task(
      all inputs: [String], file: StaticString = #fileID, line: UInt = #line,
      _ body: @escaping @Sendable ([Value]) throws -> Value
    ) -> Task {
      Task(inputs: inputs, callSite: CallSite(file: file, line: line), body: body)
    }
  }

  private var tasks: [String: Task] = [:]

  /// A graph without tasks.
  public init() {}

  /// A graph of tasks by name; of a name that comes twice the last one counts.
  public init(dictionaryLiteral elements: (String, Task)...) {
    for (name, task) in elements { tasks[name] = task }
  }

  /// The task with a name; nil where there is none, or to remove it.
  public subscript(_ name: String) -> Task? {
    get { tasks[name] }
    set { tasks[name] = newValue }
  }

  /// The names of the tasks, sorted.
  public var names: [String] { tasks.keys.sorted() }

  /// The names in an order in which each comes after those that it takes. O(tasks and inputs).
  ///
  /// - Throws: `MusterError` with code `invalidArgument`: a task takes one that isn't there, or itself by way of others;
  ///   the message has the path.
  func sorted() throws(MusterError) -> [String] {
    // False while a task's inputs are being visited.
    var isDone: [String: Bool] = [:]
    var order: [String] = []
    // Without recursion: a chain may be longer than a thread's stack is deep.
    var path: [(name: String, next: Int)] = []
    for start in names where isDone[start] == nil {
      path = [(start, 0)]
      isDone[start] = false
      while let (name, next) = path.last {
        guard let task = tasks[name] else { preconditionFailure("\(name) was looked up before") }
        guard next < task.inputs.count else {
          isDone[name] = true
          order.append(name)
          path.removeLast()
          continue
        }
        path[path.count - 1].next += 1
        let input = task.inputs[next]
        guard tasks[input] != nil else { throw missing(input, path: path.map(\.name)) }
        switch isDone[input] {
        case nil:
          isDone[input] = false
          path.append((input, 0))
        case false?: throw cycle(path.map(\.name).drop { $0 != input } + [input], of: name)
        case true?: break
        }
      }
    }
    return order
  }

  private func missing(_ input: String, path: [String]) -> MusterError {
    let known = names.prefix(10).map { "\"\($0)\"" }.joined(separator: ", ")
    return MusterError(
      .invalidArgument, "the graph has no task \"\(input)\", which \(Self.text(path)) takes",
      fix: "Add it, or name one of \(known)\(tasks.count > 10 ? " and \(tasks.count - 10) more" : "")",
      callSite: path.last.flatMap { tasks[$0]?.callSite })
  }

  private func cycle(_ path: ArraySlice<String>, of name: String) -> MusterError {
    MusterError(
      .invalidArgument, "the graph has a cycle: \(Self.text(Array(path)))",
      fix: "Each task may take those only that don't depend on it", callSite: tasks[name]?.callSite)
  }

  /// A path in words, of which the middle is left out where it is long.
  private static func text(_ path: [String]) -> String {
    let names = path.map { "\"\($0)\"" }
    guard names.count > 12 else { return names.joined(separator: " → ") }
    return names.prefix(6).joined(separator: " → ") + " → … \(names.count - 12) more … → "
      + names.suffix(6).joined(separator: " → ")
  }
}

extension Session {
  /// The tasks of a graph that is written out by hand, as delayed values by name. Nothing runs before a collective needs
  /// one of them, and then only what it depends on.
  ///
  /// - Throws: `MusterError` with code `invalidArgument`, naming the path, where a task takes one that isn't there, or
  ///   itself by way of others.
  public func delayed<Value>(_ graph: NamedGraph<Value>) throws -> [String: Delayed<Value>] {
    var made: [String: Delayed<Value>] = [:]
    // The names are sorted first: every rank makes the same calls, however its dictionary is ordered.
    for name in try graph.sorted() {
      guard let task = graph[name] else { continue }
      made[name] = delayed(
        task.inputs.map { made[$0]! }, name: name, callSite: task.callSite
      ) { (values: [Value]) in try task.body(values) }
    }
    return made
  }
}
