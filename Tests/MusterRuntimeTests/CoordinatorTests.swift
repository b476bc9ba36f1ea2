import MusterRuntime
import MusterScheduling
import Testing

/// Asks a coordinator, and keeps what it answers.
struct CoordinatorHarness {
  var coordinator = Coordinator()
  var now = 0
  private(set) var answers: [Int: CoordinationAnswer] = [:]
  private var next = 0
  private var actions: [Coordinator.Action] = []

  static let lock = CoordinationObject(.lock, "results")
  static let other = CoordinationObject(.lock, "other")

  static func owner(_ number: Int, rank: Int = 1, layer: Int = 7) -> CoordinationOwner {
    .task(rank: rank, TaskID(layer: layer, index: number), 1)
  }

  /// Returns the number of the request.
  mutating func ask(
    _ operation: CoordinationRequest.Operation, _ object: CoordinationObject, by owner: CoordinationOwner,
    timeout: Int? = nil
  ) throws -> Int {
    next += 1
    var name = "the program"
    if case .task(let rank, let task, _) = owner { name = "work[\(task.index)] on rank \(rank)" }
    coordinator.handle(
      CoordinationRequest(
        ticket: CoordinationTicket(rank: owner == .program ? 0 : 1, number: next), owner: owner, ownerName: name,
        object: object, operation: operation, timeout: timeout), at: now, into: &actions)
    try take()
    return next
  }

  /// The answer that comes at once; nil where the owner waits.
  mutating func answer(
    _ operation: CoordinationRequest.Operation, _ object: CoordinationObject, by number: Int, timeout: Int? = nil
  ) throws -> CoordinationAnswer? {
    answers[try ask(operation, object, by: Self.owner(number), timeout: timeout)]
  }

  mutating func error(
    _ operation: CoordinationRequest.Operation, _ object: CoordinationObject, by number: Int, timeout: Int? = nil
  ) throws -> MusterError? {
    guard case .failed(let error)? = try answer(operation, object, by: number, timeout: timeout) else { return nil }
    return error
  }

  mutating func change(_ body: (inout Coordinator, Int, inout [Coordinator.Action]) -> Void) throws {
    body(&coordinator, now, &actions)
    try take()
  }

  private mutating func take() throws {
    for case .answer(let ticket, let answer) in actions {
      #expect(answers[ticket.number] == nil, "request \(ticket.number) is answered twice")
      answers[ticket.number] = answer
    }
    actions.removeAll()
    try coordinator.checkInvariants()
  }
}

struct CoordinatorTests {
  typealias Harness = CoordinatorHarness

  @Test func aLockGoesFromOneToTheNextInTheOrderOfAsking() throws {
    var harness = Harness()
    #expect(try harness.answer(.acquire, Harness.lock, by: 0) == .done)
    let waiting = try (1...3).map { try harness.ask(.acquire, Harness.lock, by: Harness.owner($0)) }
    #expect(waiting.allSatisfy { harness.answers[$0] == nil })
    for (number, request) in waiting.enumerated() {
      #expect(try harness.answer(.release, Harness.lock, by: number) == .done)
      #expect(harness.answers[request] == .done)
      #expect(harness.coordinator.holders(of: Harness.lock) == [Harness.owner(number + 1)])
    }
    #expect(try harness.answer(.release, Harness.lock, by: 3) == .done)
    // Nothing is kept of a lock that is free.
    #expect(harness.coordinator.objectCount == 0)
  }

  @Test func aLockIsntReentrant() throws {
    var harness = Harness()
    _ = try harness.ask(.acquire, Harness.lock, by: Harness.owner(0))
    let error = try harness.error(.acquire, Harness.lock, by: 0, timeout: 1_000_000_000)
    #expect(error?.code == .deadlock)
    #expect(error?.message == "work[0] on rank 1 holds lock \"results\" already, and would wait for itself")
    #expect(try harness.answer(.release, Harness.lock, by: 0) == .done)
  }

  @Test func whatOthersHoldCantBeReleased() throws {
    var harness = Harness()
    #expect(try harness.error(.release, Harness.lock, by: 0)?.code == .notHeld)
    #expect(harness.coordinator.objectCount == 0)
    _ = try harness.ask(.acquire, Harness.lock, by: Harness.owner(0))
    let error = try harness.error(.release, Harness.lock, by: 1)
    #expect(error?.code == .notHeld)
    #expect(error?.message.contains("held by work[0] on rank 1") == true)
    #expect(harness.coordinator.holders(of: Harness.lock) == [Harness.owner(0)])
  }

  @Test func aSemaphoreHasAsManyLeasesAsItsLimit() throws {
    var harness = Harness()
    let semaphore = CoordinationObject(.semaphore, "files", limit: 3)
    for number in [0, 0, 1] { #expect(try harness.answer(.acquire, semaphore, by: number) == .done) }
    let fourth = try harness.ask(.acquire, semaphore, by: Harness.owner(2))
    #expect(harness.answers[fourth] == nil)
    #expect(try harness.answer(.release, semaphore, by: 0) == .done)
    #expect(harness.answers[fourth] == .done)
    #expect(harness.coordinator.holders(of: semaphore) == [0, 1, 2].map { Harness.owner($0) })
  }

  @Test func usesThatDontAgreeAreRefused() throws {
    var harness = Harness()
    _ = try harness.ask(.acquire, CoordinationObject(.semaphore, "s", limit: 3), by: Harness.owner(0))
    let error = try harness.error(.acquire, CoordinationObject(.semaphore, "s", limit: 4), by: 1)
    #expect(error?.code == .invalidArgument)
    #expect(error?.message.contains("the limit 4") == true && error?.message.contains("the limit 3") == true)
    _ = try harness.ask(.count, CoordinationObject(.queue, "q", valueType: "Int"), by: Harness.owner(0))
    let other = try harness.error(.count, CoordinationObject(.queue, "q", limit: 2, valueType: "Double"), by: 0)
    #expect(other?.message.contains("values of type Double and the capacity 2") == true, "\(String(describing: other))")
    for limit in [0, -1] {
      let object = CoordinationObject(.semaphore, "bad \(limit)", limit: limit)
      #expect(try harness.error(.acquire, object, by: 0)?.code == .invalidArgument)
    }
    #expect(try harness.error(.count, CoordinationObject(.queue, "bad", limit: -1), by: 0)?.code == .invalidArgument)
    // A name of another kind is another thing.
    #expect(try harness.answer(.acquire, CoordinationObject(.lock, "s"), by: 5) == .done)
  }

  @Test func anEventLetsAllGoOn() throws {
    var harness = Harness()
    let event = CoordinationObject(.event, "go")
    let waiting = try (0..<3).map { try harness.ask(.awaitSet, event, by: Harness.owner($0)) }
    #expect(try harness.answer(.isSet, event, by: 9) == .isSet(false))
    #expect(try harness.answer(.set, event, by: 9) == .done)
    #expect(waiting.allSatisfy { harness.answers[$0] == .done })
    #expect(try harness.answer(.awaitSet, event, by: 0) == .done)
    #expect(try harness.answer(.clear, event, by: 9) == .done)
    #expect(try harness.answer(.awaitSet, event, by: 0) == nil)
  }

  @Test func aBoundedQueueIsFirstInFirstOutOnBothSides() throws {
    var harness = Harness()
    let queue = CoordinationObject(.queue, "q", limit: 2)
    for value in [1, 2] as [UInt8] { #expect(try harness.answer(.put([value]), queue, by: 0) == .done) }
    let third = try harness.ask(.put([3]), queue, by: Harness.owner(0))
    let fourth = try harness.ask(.put([4]), queue, by: Harness.owner(1))
    #expect(harness.answers[third] == nil && harness.answers[fourth] == nil)
    #expect(try harness.answer(.get, queue, by: 2) == .value([1]))
    #expect(harness.answers[third] == .done && harness.answers[fourth] == nil)
    #expect(try harness.answer(.count, queue, by: 2) == .count(2))
    for value in [2, 3, 4] as [UInt8] { #expect(try harness.answer(.get, queue, by: 2) == .value([value])) }
    let getters = try (5...6).map { try harness.ask(.get, queue, by: Harness.owner($0)) }
    for value in [5, 6] as [UInt8] { #expect(try harness.answer(.put([value]), queue, by: 0) == .done) }
    #expect(getters.map { harness.answers[$0] } == [.value([5]), .value([6])])
    #expect(try harness.answer(.count, queue, by: 2) == .count(0))
  }

  @Test func aVariableIsAwaitedUntilItIsSetFirst() throws {
    var harness = Harness()
    let variable = CoordinationObject(.variable, "v")
    let readers = try (0..<2).map { try harness.ask(.read, variable, by: Harness.owner($0)) }
    #expect(try harness.answer(.assign([1]), variable, by: 9) == .done)
    #expect(readers.allSatisfy { harness.answers[$0] == .value([1]) })
    #expect(try harness.answer(.assign([2]), variable, by: 9) == .done)
    #expect(try harness.answer(.read, variable, by: 0) == .value([2]))
  }

  @Test func aTimeoutNamesWhoHoldsIt() throws {
    var harness = Harness()
    _ = try harness.ask(.acquire, Harness.lock, by: Harness.owner(0))
    harness.now = 1_000_000_000
    let first = try harness.ask(.acquire, Harness.lock, by: Harness.owner(1))
    let second = try harness.ask(.acquire, Harness.lock, by: Harness.owner(2), timeout: 5_000_000_000)
    #expect(harness.coordinator.nextDeadline == 6_000_000_000)
    harness.now = 5_999_999_999
    try harness.change { $0.timePassed(at: $1, into: &$2) }
    #expect(harness.answers[second] == nil)
    harness.now = 6_000_000_000
    try harness.change { $0.timePassed(at: $1, into: &$2) }
    guard case .failed(let error)? = harness.answers[second] else { throw MusterError(.internal, "no error") }
    #expect(error.code == .timedOut)
    #expect(
      error.message == "lock \"results\" wasn't free within 5 s: held by work[0] on rank 1 for 6 s;"
        + " 1 task waits before this one")
    #expect(harness.coordinator.nextDeadline == nil)
    // Who gave up isn't served, and who came before is.
    _ = try harness.ask(.release, Harness.lock, by: Harness.owner(0))
    #expect(harness.answers[first] == .done)
    #expect(try harness.error(.acquire, Harness.lock, by: 2, timeout: 0)?.code == .timedOut)
  }

  @Test func whatATaskHeldAtItsEndGoesToTheNext() throws {
    var harness = Harness()
    let semaphore = CoordinationObject(.semaphore, "s", limit: 2)
    for object in [Harness.lock, semaphore, semaphore] {
      #expect(try harness.answer(.acquire, object, by: 0) == .done)
    }
    let next = try harness.ask(.acquire, Harness.lock, by: Harness.owner(1))
    let leases = try (2...4).map { try harness.ask(.acquire, semaphore, by: Harness.owner($0)) }
    try harness.change { $0.ended(Harness.owner(0), at: $1, into: &$2) }
    #expect(harness.answers[next] == .done)
    #expect(leases.map { harness.answers[$0] } == [.done, .done, nil])
    // Another attempt at the same task is another owner.
    let attempt = CoordinationOwner.task(rank: 1, TaskID(layer: 7, index: 1), 2)
    let again = try harness.ask(.release, Harness.lock, by: attempt)
    guard case .failed(let error)? = harness.answers[again] else { throw MusterError(.internal, "no error") }
    #expect(error.code == .notHeld)
  }

  @Test func aRankThatIsLostHoldsNothingAndGetsNothing() throws {
    var harness = Harness()
    let lost = (0..<3).map { Harness.owner($0, rank: 2) }
    for object in [Harness.lock, Harness.other] { _ = try harness.ask(.acquire, object, by: lost[0]) }
    let dead = try harness.ask(.acquire, Harness.lock, by: lost[1])
    let alive = try harness.ask(.acquire, Harness.lock, by: Harness.owner(0))
    _ = try harness.ask(.get, CoordinationObject(.queue, "q"), by: lost[2])
    try harness.change { $0.rankLost(2, at: $1, into: &$2) }
    #expect(harness.answers[dead] == nil)
    #expect(harness.answers[alive] == .done)
    #expect(harness.coordinator.holders(of: Harness.other).isEmpty)
    // What is put now isn't given to the one that is gone.
    #expect(try harness.answer(.put([1]), CoordinationObject(.queue, "q"), by: 1) == .done)
    #expect(try harness.answer(.count, CoordinationObject(.queue, "q"), by: 1) == .count(1))
  }

  @Test func theFailureOfAGraphEndsItsWaitsAndLeavesWhatIsHeld() throws {
    var harness = Harness()
    _ = try harness.ask(.acquire, Harness.lock, by: Harness.owner(0))
    let waiting = try harness.ask(.acquire, Harness.lock, by: Harness.owner(1))
    let later = try harness.ask(.acquire, Harness.lock, by: Harness.owner(1, layer: 8))
    try harness.change { coordinator, _, actions in coordinator.graphFailed(6..<8, into: &actions) }
    guard case .failed(let error)? = harness.answers[waiting] else { throw MusterError(.internal, "no error") }
    #expect(error.code == .cancelled)
    // A task that still runs may come to another wait.
    #expect(try harness.error(.awaitSet, CoordinationObject(.event, "e"), by: 2)?.code == .cancelled)
    #expect(harness.answers[later] == nil)
    // It holds its lock until it is over, and may release it.
    #expect(try harness.answer(.release, Harness.lock, by: 0) == .done)
    #expect(harness.answers[later] == .done)
    try harness.change { coordinator, _, _ in coordinator.forget(6..<8) }
    #expect(try harness.answer(.awaitSet, CoordinationObject(.event, "e"), by: 2) == nil)
  }

  @Test func tasksThatAreCancelledWaitNoMore() throws {
    var harness = Harness()
    let event = CoordinationObject(.event, "e")
    let waiting = try (0..<3).map { try harness.ask(.awaitSet, event, by: Harness.owner($0)) }
    let tasks = [TaskID(layer: 7, index: 0), TaskID(layer: 7, index: 2), TaskID(layer: 7, index: 5)]
    try harness.change { coordinator, _, actions in coordinator.cancelled(tasks, into: &actions) }
    for place in [0, 2] {
      guard case .failed(let error)? = harness.answers[waiting[place]] else { throw MusterError(.internal, "no error") }
      #expect(error.code == .cancelled)
    }
    #expect(harness.answers[waiting[1]] == nil)
    // Nor does one of them begin to, until its graph is over, and the number is another's.
    #expect(try harness.error(.awaitSet, event, by: 5)?.code == .cancelled)
    try harness.change { coordinator, _, _ in coordinator.forget(7..<8) }
    #expect(try harness.answer(.awaitSet, event, by: 5) == nil)
  }

  @Test func theProgramWaitsUntilATaskTellsIt() throws {
    for (operation, object, telling) in [
      (.awaitSet, CoordinationObject(.event, "e"), .set), (.get, CoordinationObject(.queue, "q"), .put([1])),
      (.read, CoordinationObject(.variable, "v"), .assign([1])),
    ] as [(CoordinationRequest.Operation, CoordinationObject, CoordinationRequest.Operation)] {
      var harness = Harness()
      let told = try harness.ask(operation, object, by: .program)
      #expect(harness.answers[told] == nil && harness.coordinator.programWaits)
      _ = try harness.ask(telling, object, by: Harness.owner(0))
      #expect(harness.answers[told] == (operation == .awaitSet ? .done : .value([1])))
      #expect(!harness.coordinator.programWaits)
      // Where nobody is left that's an error.
      let other = CoordinationObject(object.kind, "other")
      let request = try harness.ask(operation, other, by: .program)
      #expect(harness.coordinator.endlessWaits == 0)
      try harness.change { coordinator, _, actions in coordinator.stalled(into: &actions) }
      guard case .failed(let error)? = harness.answers[request] else { throw MusterError(.internal, "no error") }
      #expect(error.code == .deadlock)
      #expect(error.message.hasPrefix("the program waits for \(object.kind) \"other\", and no task"))
    }
  }

  @Test func aRingOfLocksIsFoundAndNamed() throws {
    var harness = Harness()
    let locks = ["a", "b", "c"].map { CoordinationObject(.lock, $0) }
    for number in 0..<3 { _ = try harness.ask(.acquire, locks[number], by: Harness.owner(number)) }
    let first = try harness.ask(.acquire, locks[1], by: Harness.owner(0))
    #expect(try harness.answer(.acquire, locks[2], by: 1) == nil)
    let error = try harness.error(.acquire, locks[0], by: 2)
    #expect(error?.code == .deadlock)
    #expect(
      error?.message
        == "tasks wait for each other: work[2] on rank 1 waits for lock \"a\", held by work[0] on rank 1;"
        + " work[0] on rank 1 waits for lock \"b\", held by work[1] on rank 1;"
        + " work[1] on rank 1 waits for lock \"c\", held by work[2] on rank 1")
    // The one that heard of it lets the others go on.
    try harness.change { $0.ended(Harness.owner(2), at: $1, into: &$2) }
    try harness.change { $0.ended(Harness.owner(1), at: $1, into: &$2) }
    #expect(harness.answers[first] == .done)
  }

  @Test func tasksThatNobodyIsLeftToWakeAreNamed() throws {
    var harness = Harness()
    let queue = CoordinationObject(.queue, "q")
    let getters = try (0..<2).map { try harness.ask(.get, queue, by: Harness.owner($0)) }
    let timed = try harness.ask(.get, queue, by: Harness.owner(2), timeout: 1000)
    #expect(harness.coordinator.endlessWaits == 2)
    try harness.change { coordinator, _, actions in coordinator.stalled(into: &actions) }
    for getter in getters {
      guard case .failed(let error)? = harness.answers[getter] else { throw MusterError(.internal, "no error") }
      #expect(error.code == .deadlock)
      #expect(
        error.message.hasSuffix("work[0] on rank 1 waits for queue \"q\", work[1] on rank 1 waits for queue \"q\""))
    }
    #expect(harness.answers[timed] == nil)
    #expect(harness.coordinator.endlessWaits == 0)
  }

  @Test func onlyACertainDeadlockIsOne() throws {
    let (a, b) = (CoordinationObject(.lock, "a"), CoordinationObject(.lock, "b"))
    // A timeout may break the ring.
    var harness = Harness()
    _ = try harness.ask(.acquire, a, by: Harness.owner(0))
    _ = try harness.ask(.acquire, b, by: Harness.owner(1))
    let patient = try harness.ask(.acquire, b, by: Harness.owner(0), timeout: 1_000)
    #expect(try harness.answer(.acquire, a, by: 1) == nil)
    harness.now = 1_000
    try harness.change { $0.timePassed(at: $1, into: &$2) }
    #expect(harness.answers[patient] != nil)

    // Another task holds a lease too, and may give it back.
    let semaphore = CoordinationObject(.semaphore, "s", limit: 2)
    harness = Harness()
    _ = try harness.ask(.acquire, a, by: Harness.owner(0))
    for number in 1...2 { _ = try harness.ask(.acquire, semaphore, by: Harness.owner(number)) }
    #expect(try harness.answer(.acquire, semaphore, by: 0) == nil)
    #expect(try harness.answer(.acquire, a, by: 1) == nil)
    // Once that one waits for them too, nobody is left.
    #expect(try harness.error(.acquire, a, by: 2)?.code == .deadlock)

    // Whoever waits for an event may be woken by anybody.
    harness = Harness()
    _ = try harness.ask(.acquire, a, by: Harness.owner(0))
    #expect(try harness.answer(.awaitSet, CoordinationObject(.event, "e"), by: 0) == nil)
    #expect(try harness.answer(.acquire, a, by: 1) == nil)

    // All of a semaphore's leases are the asker's own.
    harness = Harness()
    for _ in 0..<2 { _ = try harness.ask(.acquire, semaphore, by: Harness.owner(0)) }
    #expect(try harness.error(.acquire, semaphore, by: 0)?.code == .deadlock)
  }
}
