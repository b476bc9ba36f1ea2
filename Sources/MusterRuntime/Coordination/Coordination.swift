internal import MusterScheduling
internal import Synchronization

/// A process's way to the session's coordinator: it is here on rank 0, and in the one process; the other ranks send their
/// tasks' requests there. A task's thread waits for the answer.
package final class Coordination: Sendable {
  private struct State {
    /// Idle on ranks other than 0.
    var coordinator = Coordinator()
    var actions: [Coordinator.Action] = []
    /// The threads of this process that wait, by the numbers of their requests.
    var waits: [Int: AnswerWait] = [:]
    var requests = 0
    var outgoing: [(bytes: [UInt8], rank: Int)] = []
    var isClosed = false
    /// Since when all tasks have been seen to wait, and after how many answers.
    var stall: (since: Int, answers: Int)?
    var answers = 0
  }

  /// For how long all tasks of all ranks have to wait before it counts: reports of what they did last may be on their way.
  private static let stallPatience = 100_000_000
  /// The same where others haven't been handed out, as a worker may be about to say that it has room for them, or where
  /// a task goes on past its time limit.
  private static let patienceWithOthers = 2_000_000_000
  /// For how long a task waits before it lends its place: longer than the way to rank 0 and back takes.
  private static let grace = 1_000_000

  let rank: Int
  /// Wakes the thread that makes the MPI calls; nil in one process.
  private let doorbell: Doorbell?
  private let state = Mutex(State())
  private let outgoingCount = Atomic<Int>(0)
  private let nextDeadline = Atomic<Int>(.max)
  /// Those who wait for something of the coordinator here.
  private let waitCount = Atomic<Int>(0)
  private let hasBeenUsed = Atomic<Bool>(false)
  private let isProgramWaiting = Atomic<Bool>(false)
  /// Some tasks aren't to wait any more, whenever they come to it.
  private let hasBarred = Atomic<Bool>(false)
  /// In one process: looks whether anybody is left to end a wait of the program.
  private let lookAround = Mutex<(@Sendable () -> Void)?>(nil)

  /// - Parameter doorbell: nil in one process.
  package init(rank: Int = 0, doorbell: Doorbell? = nil) {
    self.rank = rank
    self.doorbell = doorbell
  }

  private var isRoot: Bool { rank == 0 }
  /// Whether tasks of this process have coordinated: others may wait.
  var isUsed: Bool { hasBeenUsed.load(ordering: .relaxed) }
  /// On rank 0: whether anybody waits for something.
  var hasWaits: Bool { waitCount.load(ordering: .relaxed) > 0 }
  /// On rank 0: whether the program waits for what a task is to tell it.
  var programWaits: Bool { isProgramWaiting.load(ordering: .relaxed) }

  /// In one process: says what to do when the program begins to wait.
  func whenProgramWaits(_ look: @escaping @Sendable () -> Void) { lookAround.withLock { $0 = look } }

  // MARK: Tasks

  /// Asks for something on behalf of the task that the calling thread runs, and waits for the answer.
  ///
  /// - Throws: `MusterError`: what the coordinator answers, or `notInTask`, or `deadlock` with the synchronous backend.
  func perform(
    _ operation: CoordinationRequest.Operation, on object: CoordinationObject, timeout: Duration? = nil
  ) throws(MusterError) -> CoordinationAnswer {
    guard let current = CurrentTask.current else {
      throw MusterError(
        .notInTask, "\(object.text) was used outside of a task, or on a thread that a task has started",
        fix: "Use it on the thread that runs the task; in the program itself await events, queues and variables,"
          + " too")
    }
    guard current.pointee.coordination === self else {
      throw MusterError(
        .session, "\(object.text) belongs to another session", fix: "Make it with the task's own session")
    }
    var timeout = try Self.nanoseconds(timeout, object)
    // A task whose time is limited waits no longer than that: its thread is needed, and it may hold what others wait for.
    if let limit = current.pointee.limit {
      timeout = min(timeout ?? .max, max(0, limit - MonotonicClock.nanoseconds))
    }
    if !isUsed { hasBeenUsed.store(true, ordering: .relaxed) }
    let wait = AnswerWait()
    let owner = current.pointee.owner
    let name = current.pointee.name
    let ticket = state.withLock { state -> CoordinationTicket? in
      guard !state.isClosed else { return nil }
      state.requests += 1
      let ticket = CoordinationTicket(rank: rank, number: state.requests)
      state.waits[ticket.number] = wait
      let request = CoordinationRequest(
        ticket: ticket, owner: owner, ownerName: name, object: object, operation: operation, timeout: timeout)
      submit(.request(request), &state)
      return ticket
    }
    guard let ticket else { throw Self.sessionIsOver(object.text) }
    wakeSender()
    current.pointee.places.asks(current.pointee.taskRun)
    let limit = timeout.map { MonotonicClock.nanoseconds + $0 }
    switch answer(to: ticket, of: owner, wait, limit: limit, current) {
    case .failed(let error): throw error
    case let answer:
      if operation == .acquire { current.pointee.holdings += 1 }
      if operation == .release { current.pointee.holdings -= 1 }
      return answer
    }
  }

  private func answer(
    to ticket: CoordinationTicket, of owner: CoordinationOwner, _ wait: AnswerWait, limit: Int?,
    _ current: UnsafeMutablePointer<CurrentTask>
  ) -> CoordinationAnswer {
    let grace = MonotonicClock.nanoseconds + Self.grace
    if let answer = wait.wait(until: isAlone ? min(grace, limit ?? grace) : grace) { return answer }
    let (places, run) = (current.pointee.places, current.pointee.taskRun)
    do throws(MusterError) {
      try places.lend(run)
    } catch {
      // The answer may be on its way: then the task has what it wanted.
      state.withLock { submit(.withdraw(ticket, owner, error), &$0) }
      wakeSender()
      return lateAnswer(wait, limit: limit)
    }
    let begin = FileTime.isWatched ? MonotonicClock.nanoseconds : nil
    defer {
      places.takeBack(run)
      if let begin { OwnTimes.add(MonotonicClock.nanoseconds - begin, to: \.waits) }
    }
    return lateAnswer(wait, limit: limit)
  }

  private func lateAnswer(_ wait: AnswerWait, limit: Int?) -> CoordinationAnswer {
    while true {
      // In one process nobody else looks at the clock. Elsewhere rank 0 does, whose answer comes in any case.
      let now = MonotonicClock.nanoseconds
      if let answer = wait.wait(until: isAlone ? limit.map { max($0, now + 1_000_000) } : nil) { return answer }
      lookAtClock()
    }
  }

  private var isAlone: Bool { doorbell == nil }

  /// A task that may hold something has ended.
  func ended(_ owner: CoordinationOwner) {
    state.withLock { submit(.ended(owner), &$0) }
    wakeSender()
  }

  // MARK: The program

  /// Asks for something on behalf of the program, on rank 0 or in the one process, and waits for the answer, which a task
  /// that runs meanwhile may bring about.
  ///
  /// - Throws: `MusterError`: what the coordinator answers; `deadlock` where no task is left that could end the wait, but
  ///   not where that ends by itself.
  func performForProgram(
    _ operation: CoordinationRequest.Operation, on object: CoordinationObject, timeout: Duration? = nil
  ) throws(MusterError) -> CoordinationAnswer {
    precondition(isRoot, "the program's requests are rank 0's")
    let timeout = try Self.nanoseconds(timeout, object)
    let wait = AnswerWait()
    let isClosed = state.withLock { state in
      guard !state.isClosed else { return true }
      state.requests += 1
      let ticket = CoordinationTicket(rank: rank, number: state.requests)
      state.waits[ticket.number] = wait
      let request = CoordinationRequest(
        ticket: ticket, owner: .program, ownerName: "the program", object: object, operation: operation,
        timeout: timeout)
      submit(.request(request), &state)
      return false
    }
    if isClosed { throw Self.sessionIsOver(object.text) }
    wakeSender()
    if programWaits { lookAround.withLock { $0 }?() }
    switch lateAnswer(wait, limit: timeout.map { MonotonicClock.nanoseconds + $0 }) {
    case .failed(let error): throw error
    case let answer: return answer
    }
  }

  // MARK: Ends

  /// A graph has failed: tasks of it that wait, or come to that, get an error.
  func graphFailed(_ layers: Range<Int>) {
    guard isRoot else { return }
    change { $0.graphFailed(layers, into: &$1) }
  }

  /// Some tasks were cancelled: those that wait, or come to that, get an error.
  func tasksCancelled(_ tasks: [TaskID]) {
    guard isRoot else { return }
    change { $0.cancelled(tasks, into: &$1) }
  }

  /// A graph is over: none of its tasks runs any more.
  func forget(_ layers: Range<Int>) {
    guard hasBarred.load(ordering: .relaxed) else { return }
    change { coordinator, _ in coordinator.forget(layers) }
  }

  private func change(_ body: (inout Coordinator, inout [Coordinator.Action]) -> Void) {
    state.withLock { state in
      body(&state.coordinator, &state.actions)
      deliver(&state)
    }
    wakeSender()
  }

  /// Ends waits with an error where nobody is left to end them: where the program waits, and as many tasks wait, without a
  /// timeout, as have begun, or will before one of them ends. In one process that holds at once, but where somebody may
  /// still wake them; rank 0 asks again and again.
  ///
  /// - Parameters:
  ///   - programWaits: the program waits for what tasks are to do, and so submits none.
  ///   - begun: the tasks that have been handed out, and haven't ended; nil where some do something.
  ///   - hasOthers: there are tasks that haven't been handed out, or go on past their time limits, and may wake others.
  /// - Returns: in one process, after how many nanoseconds to look again; nil where nothing comes with time.
  @discardableResult
  func endStall(
    programWaits: @autoclosure () -> Bool, begun: @autoclosure () -> Int?, hasOthers: @autoclosure () -> Bool
  ) -> Int? {
    guard isRoot, hasWaits else { return nil }
    let left: Int? = state.withLock { state in
      guard let begun = begun(), state.coordinator.endlessWaits == begun,
        state.coordinator.programWaitsEndlessly || programWaits()
      else {
        state.stall = nil
        return nil
      }
      let patience = hasOthers() ? Self.patienceWithOthers : isAlone ? 0 : Self.stallPatience
      if patience > 0 {
        let now = MonotonicClock.nanoseconds
        if state.stall?.answers != state.answers { state.stall = (now, state.answers) }
        let left = (state.stall?.since ?? now) + patience - now
        guard left <= 0 else { return left }
      }
      state.coordinator.stalled(into: &state.actions)
      deliver(&state)
      return nil
    }
    wakeSender()
    return isAlone ? left : nil
  }

  /// The session is over: whoever still waits is woken with an error.
  func close() {
    let waits = state.withLock { state in
      state.isClosed = true
      defer { state.waits = [:] }
      return state.waits
    }
    for wait in waits.values { wait.give(.failed(Self.sessionIsOver("a task's wait"))) }
  }

  private static func sessionIsOver(_ what: String) -> MusterError {
    MusterError(.cancelled, "\(what) has outlived the session")
  }

  // MARK: Messages, on the thread that makes the MPI calls

  /// There is something for `exchange`.
  var hasOutgoing: Bool { outgoingCount.load(ordering: .sequentiallyConsistent) > 0 }

  /// Looks at the clock on rank 0, and hands over what is to be sent. Returns whether there was anything.
  func exchange(_ send: (_ bytes: [UInt8], _ rank: Int) -> Void) -> Bool {
    let deadline = nextDeadline.load(ordering: .relaxed)
    if deadline != .max, deadline <= MonotonicClock.nanoseconds { lookAtClock() }
    guard hasOutgoing else { return false }
    let messages = state.withLock { state in
      defer { state.outgoing = [] }
      outgoingCount.store(0, ordering: .sequentiallyConsistent)
      return state.outgoing
    }
    for (bytes, rank) in messages { send(bytes, rank) }
    return true
  }

  /// A message from another rank.
  func receive(_ bytes: [UInt8]) {
    state.withLock { state in
      switch CoordinationMessage(bytes) {
      case .answer(let number, let answer): state.waits.removeValue(forKey: number)?.give(answer)
      case let message: carryOut(message, &state)
      }
    }
  }

  // MARK: With the lock held

  /// Hands a message to the coordinator, here or on rank 0.
  private func submit(_ message: CoordinationMessage, _ state: inout State) {
    guard isRoot else { return enqueue(message, to: 0, &state) }
    carryOut(message, &state)
  }

  private func carryOut(_ message: CoordinationMessage, _ state: inout State) {
    guard !state.isClosed else { return }
    let now = MonotonicClock.nanoseconds
    switch message {
    case .request(let request): state.coordinator.handle(request, at: now, into: &state.actions)
    case .ended(let owner): state.coordinator.ended(owner, at: now, into: &state.actions)
    case .withdraw(let ticket, let owner, let error):
      state.coordinator.withdraw(ticket, of: owner, because: error, into: &state.actions)
    case .answer: preconditionFailure("answers go to the ranks that asked")
    }
    deliver(&state)
  }

  private func deliver(_ state: inout State) {
    state.answers += state.actions.count
    for case .answer(let ticket, let answer) in state.actions {
      if ticket.rank == rank {
        state.waits.removeValue(forKey: ticket.number)?.give(answer)
      } else {
        enqueue(.answer(number: ticket.number, answer), to: ticket.rank, &state)
      }
    }
    state.actions.removeAll(keepingCapacity: true)
    nextDeadline.store(state.coordinator.nextDeadline ?? .max, ordering: .relaxed)
    waitCount.store(state.coordinator.waitCount, ordering: .relaxed)
    isProgramWaiting.store(state.coordinator.programWaits, ordering: .relaxed)
    hasBarred.store(state.coordinator.hasBarred, ordering: .relaxed)
  }

  private func enqueue(_ message: CoordinationMessage, to rank: Int, _ state: inout State) {
    state.outgoing.append((message.bytes, rank))
    outgoingCount.store(state.outgoing.count, ordering: .sequentiallyConsistent)
  }

  private func lookAtClock() {
    state.withLock { state in
      state.coordinator.timePassed(at: MonotonicClock.nanoseconds, into: &state.actions)
      deliver(&state)
    }
  }

  /// Not with the lock held: the other thread would wake to wait for it.
  private func wakeSender() { if hasOutgoing { doorbell?.ring() } }

  /// Longer than a job lasts is as long as it takes.
  private static func nanoseconds(_ timeout: Duration?, _ object: CoordinationObject) throws(MusterError) -> Int? {
    guard let timeout, timeout < .seconds(1_000_000_000) else { return nil }
    guard timeout >= .zero else {
      throw MusterError(
        .invalidArgument, "\(object.text) is waited for with the timeout \(timeout)", fix: "Use a timeout of 0 or more")
    }
    return timeout.nanoseconds
  }
}
