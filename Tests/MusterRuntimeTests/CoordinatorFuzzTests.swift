import MusterRuntime
import MusterScheduling
import MusterSimulation
import Testing

/// Random tasks that ask for everything in any order, and end, fail and are lost, against a plain model of what each is to
/// be answered.
struct CoordinatorFuzzTests {
  private static let objects = [
    CoordinationObject(.lock, "a"), CoordinationObject(.lock, "b"), CoordinationObject(.lock, "c"),
    CoordinationObject(.semaphore, "one", limit: 1), CoordinationObject(.semaphore, "three", limit: 3),
    CoordinationObject(.event, "e"), CoordinationObject(.queue, "q"), CoordinationObject(.queue, "short", limit: 2),
    CoordinationObject(.variable, "v"),
  ]

  private struct Run {
    var random: SplitMix64
    var coordinator = Coordinator()
    var model = CoordinatorModel()
    var now = 0
    /// The layer of new tasks.
    var layer = 1
    var owners: [CoordinationOwner] = []
    var awaited: [CoordinationOwner: CoordinationTicket] = [:]
    /// Requests of tasks that are gone: nobody hears their answers.
    var unheard: Set<Int> = []
    var requests = 0
    var answers: [Int: CoordinatorModel.Outcome] = [:]
    var actions: [Coordinator.Action] = []
    var tasks = 0
    /// How often each kind of answer came, so that a test that tests nothing is seen.
    var kinds: [String: Int] = [:]

    mutating func newOwner() -> CoordinationOwner {
      tasks += 1
      return .task(rank: Int.random(in: 1...3, using: &random), TaskID(layer: layer, index: tasks), 1)
    }

    mutating func take() throws {
      for case .answer(let ticket, let answer) in actions {
        guard !unheard.contains(ticket.number) else { continue }
        let outcome = CoordinatorModel.Outcome(answer)
        guard answers[ticket.number] == nil else {
          throw MusterError(.internal, "request \(ticket.number) is answered twice")
        }
        answers[ticket.number] = outcome
        if case .failed(let code) = outcome { kinds[code.name, default: 0] += 1 } else { kinds["ok", default: 0] += 1 }
      }
      actions.removeAll()
      awaited = awaited.filter { answers[$0.value.number] == nil }
      let expected = model.outcomes.filter { !unheard.contains($0.key) }
      guard answers == expected else {
        let wrong = Set(answers.keys).union(expected.keys).filter { answers[$0] != expected[$0] }.sorted()
        throw MusterError(
          .internal,
          "request \(wrong[0]): \(String(describing: answers[wrong[0]])) is answered, and expected is"
            + " \(String(describing: expected[wrong[0]]))")
      }
      // Only what has changed is compared at the next step.
      answers.removeAll()
      model.outcomes.removeAll()
      try coordinator.checkInvariants()
    }

    mutating func ask(
      _ owner: CoordinationOwner, _ operation: CoordinationRequest.Operation, _ object: CoordinationObject
    )
      throws
    {
      requests += 1
      let timeouts: [Int?] = [nil, nil, nil, 0, Int.random(in: 1...30, using: &random)]
      let request = CoordinationRequest(
        ticket: CoordinationTicket(rank: owner.ownRank, number: requests), owner: owner, ownerName: "\(owner)",
        object: object, operation: operation, timeout: timeouts.randomElement(using: &random)!)
      awaited[owner] = request.ticket
      coordinator.handle(request, at: now, into: &actions)
      model.ask(request, at: now)
      try take()
    }

    mutating func randomOperation(on object: CoordinationObject) -> CoordinationRequest.Operation {
      let value = [UInt8(truncatingIfNeeded: requests), UInt8(truncatingIfNeeded: requests >> 8)]
      let operations: [CoordinationRequest.Operation] =
        switch object.kind {
        case .lock, .semaphore: [.acquire, .acquire, .release]
        case .event: [.awaitSet, .awaitSet, .set, .clear, .isSet]
        case .queue: [.put(value), .put(value), .get, .get, .count]
        case .variable: [.read, .read, .assign(value)]
        }
      return operations.randomElement(using: &random)!
    }

    mutating func end(_ gone: [CoordinationOwner], lost rank: Int?) throws {
      if let rank {
        for owner in gone { if let ticket = awaited.removeValue(forKey: owner) { unheard.insert(ticket.number) } }
        coordinator.rankLost(rank, at: now, into: &actions)
        model.ended(gone, tellsWaiters: false)
      } else {
        for owner in gone { coordinator.ended(owner, at: now, into: &actions) }
        for owner in gone { model.ended([owner], tellsWaiters: true) }
      }
      owners.removeAll { gone.contains($0) }
      try take()
    }

    mutating func step() throws {
      while owners.count < 9 { owners.append(newOwner()) }
      let owner = owners.randomElement(using: &random)!
      switch Int.random(in: 0..<100, using: &random) {
      case 0..<75:
        guard awaited[owner] == nil else { return }
        let object = CoordinatorFuzzTests.objects.randomElement(using: &random)!
        try ask(owner, randomOperation(on: object), object)
      case 75..<85:
        now += Int.random(in: 1...10, using: &random)
        coordinator.timePassed(at: now, into: &actions)
        model.timePassed(at: now)
        try take()
      case 85..<94: try end([owner], lost: nil)
      case 94:
        coordinator.cancelled([owner.task].compactMap(\.self), into: &actions)
        model.cancelled(owner)
        try take()
      case 95..<97:
        guard let ticket = awaited[owner] else { return }
        coordinator.withdraw(ticket, of: owner, because: MusterError(.internal, "enough"), into: &actions)
        model.withdraw(ticket)
        try take()
      case 97:
        let rank = Int.random(in: 1...3, using: &random)
        try end(owners.filter { $0.ownRank == rank }, lost: rank)
      case 98:
        coordinator.graphFailed(layer..<layer + 1, into: &actions)
        model.graphFailed(layer)
        layer += 1
        try take()
      default: now += 1
      }
    }

    mutating func run(steps: Int) throws {
      for _ in 0..<steps { try step() }
      // Everybody leaves: nobody holds anything, and nobody waits.
      try end(owners, lost: nil)
      guard awaited.isEmpty else { throw MusterError(.internal, "\(awaited.count) requests have no answer") }
      for object in CoordinatorFuzzTests.objects {
        guard coordinator.holders(of: object).isEmpty, coordinator.waiters(for: object).isEmpty else {
          throw MusterError(.internal, "\(object.text) is held or awaited by nobody who is there")
        }
      }
    }
  }

  @Test func randomTasksAreAnsweredAsTheModelSays() throws {
    var kinds: [String: Int] = [:]
    for seed in 0..<400 as Range<UInt64> {
      var run = Run(random: SplitMix64(seed: seed))
      do { try run.run(steps: 400) } catch {
        Issue.record("seed \(seed), after \(run.requests) requests: \(error)")
        return
      }
      kinds.merge(run.kinds) { $0 + $1 }
    }
    // All that can happen has happened, and often.
    for kind in ["ok", "deadlock", "timedOut", "cancelled", "notHeld", "internal"] {
      #expect(kinds[kind, default: 0] > 100, "\(kind): \(kinds[kind, default: 0])")
    }
  }
}
