import MusterRuntime
import MusterScheduling

/// The program on rank 0: adds graphs one after the other, waits for some, and lets go of what it doesn't need any more.
extension Simulation {
  /// The graphs that the program adds.
  static func parts(of graph: TaskGraph, _ options: SimulationOptions) -> [TaskGraph] {
    var parts = graph.split(at: options.partEnds)
    var random = SplitMix64(seed: options.programSeed)
    for number in parts.indices.dropFirst() where random.chance(options.borrowing) {
      guard let other = parts[..<number].randomElement(using: &random) else { continue }
      for _ in 0...1 {
        if let result = other.results.randomElement(using: &random) { parts[number].results.append(result) }
      }
    }
    return parts
  }

  mutating func add(_ number: Int) throws {
    added += 1
    var part = parts[number]
    if options.futureGraphs.contains(number) && !part.results.isEmpty {
      part.reportsEachResult = true
      futures[number] = FutureGraph(results: part.results)
    }
    // What the program has seen decides, as it does in programs.
    let own = options.urgencies.indices.contains(number) ? options.urgencies[number] : 0
    part.urgency = own + Int16(digest & 3)
    for place in part.layers.indices { urgencies[UInt32(part.firstLayer + place)] = part.urgency }
    call("graph", [number, part.firstLayer, part.layers.count, part.results.count, Int(part.urgency)])
    for worker in workers.indices { comeToGraph(number, at: worker) }
    do {
      try scheduler.add(part, as: GraphID(number), at: .nanoseconds(now), into: &actions)
    } catch { throw fault("graph \(number) can't be added: \(error)") }
    if options.checksInvariants {
      do { try scheduler.checkInvariants() } catch { throw fault("after graph \(number) came: \(error)") }
    }
    try carryOut()
    for happening in deferred { queue.add(happening, at: now) }
    deferred.removeAll()
    for task in futures[number]?.kept.sorted() ?? [] {
      queue.add(.letGo(task, of: number), at: now + Int.random(in: 0...options.futureTime, using: &random))
    }
    if !options.awaitedGraphs.contains(number) { goOn(after: number) }
  }

  private mutating func goOn(after number: Int) {
    guard number + 1 < parts.count else { return }
    queue.add(.add(number + 1), at: now + Int.random(in: 0...options.pause, using: &random))
  }

  /// The record of calls that ships: what ranks, and runs, compare.
  mutating func call(_ operation: String, _ numbers: [Int]) {
    calls.record(Call(operation: operation, shape: numbers))
    report.transcript.append("\(operation) \(numbers): \(calls.fingerprint.low)")
  }

  /// What became of a graph. The program goes on where it has waited for that.
  mutating func end(_ number: Int, _ outcome: SimulationReport.Outcome) {
    outcomes[number] = outcome
    if futures[number] == nil { endWait(for: number) }
  }

  /// The program has what it waited for, and makes what follows depend on it.
  mutating func endWait(for number: Int) {
    guard options.awaitedGraphs.contains(number), !waitsEnded.contains(number) else { return }
    waitsEnded.insert(number)
    for text in seen(of: number) { for byte in text.utf8 { digest = SplitMix64.mix(digest &* 31 &+ UInt64(byte)) } }
    goOn(after: number)
  }

  /// What the program has seen of a graph that is over.
  func seen(of number: Int) -> [String] {
    if let graph = futures[number] {
      return parts[number].results.map { task in
        guard gathers(task, of: number) else { return "let go" }
        return graph.failures[task] != nil ? "failed" : results[task].map { "\($0)" } ?? "missing"
      }
    }
    guard outcomes[number] == .complete else { return ["failed"] }
    return parts[number].results.map { results[$0].map { "\($0)" } ?? "missing" }
  }

  mutating func comeToGraph(_ number: Int, at worker: Int) {
    let delay =
      added == 1 && options.registrationDelay == 0...0 ? 0 : Int.random(in: options.registrationDelay, using: &random)
    // A program comes to one graph after the other.
    let time = max(now + delay, lastRegistration[worker] ?? 0)
    lastRegistration[worker] = time
    queue.add(.register(number, at: worker), at: time)
  }

  /// Whether a graph that isn't added yet takes a task.
  func isTakenLater(_ task: TaskID) -> Bool { lastUse[task, default: -1] >= added }

  /// The program lets go of a graph, when all that build on it have been added.
  mutating func release(_ number: Int) throws {
    guard !released.contains(number) else { return }
    guard !parts[number].results.contains(where: { isTakenLater($0) }) else {
      deferred.append(.release(number))
      return
    }
    released.insert(number)
    try inform(.released(GraphID(number)))
    if random.chance(options.repeats) { try inform(.released(GraphID(number))) }
  }

  // MARK: Results

  /// Has a result come, unless it's here or on its way.
  mutating func ask(for task: TaskID) throws {
    guard results[task] == nil, awaited[task] == nil else { return }
    guard let holder = scheduler.holders(of: task).first else { throw fault("nobody holds the result \(task)") }
    awaited[task] = Int(holder.number)
    // Twice where a collective failed that had asked for it, and the next one asks anew.
    for _ in 0...(random.chance(options.repeats) ? 1 : 0) {
      try post(.fetch(first: task, count: 1, isComing: false), to: holder)
    }
  }

  /// What a lost worker was asked for others may hold. What nobody holds is reported when it's there again.
  mutating func askOthers(than worker: Int) throws {
    for task in awaited.filter({ $0.value == worker }).keys.sorted() {
      awaited[task] = nil
      if isWanted(task) && !scheduler.holders(of: task).isEmpty { try ask(for: task) }
    }
  }

  /// Whether a graph keeps a task's block for the program.
  func isWanted(_ task: TaskID) -> Bool {
    (0..<added).contains { number in
      guard !released.contains(number), parts[number].results.contains(task) else { return false }
      return futures[number]?.kept.contains(task) ?? true
    }
  }
}
