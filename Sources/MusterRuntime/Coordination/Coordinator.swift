internal import HeapModule
internal import MusterScheduling

/// What locks, semaphores, events, queues and variables of a session are, as a state machine: requests in, answers out; no
/// thread, clock or MPI. It lives on rank 0, or in the one process.
///
/// Who waits is served in the order of asking: nobody overtakes. What a task holds when it ends goes to the next.
package struct Coordinator {
  package enum Action: Equatable {
    case answer(CoordinationTicket, CoordinationAnswer)
  }

  /// Objects of different kinds may have the same name.
  struct Key: Hashable {
    var kind: CoordinationObject.Kind
    var name: String
  }

  struct Holder {
    var owner: CoordinationOwner
    var name: String
    var since: Int
  }

  struct Waiter {
    var ticket: CoordinationTicket
    var owner: CoordinationOwner
    var name: String
    var operation: CoordinationRequest.Operation
    var since: Int
  }

  struct Object {
    var definition: CoordinationObject
    /// Those who hold the lock or a lease, one entry a lease, the oldest first.
    var holders: [Holder] = []
    var isSet = false
    var items = FIFO<[UInt8]>()
    var value: [UInt8]?
    /// Of a queue, either all wait to put, and it is full, or all wait to get, and it is empty.
    var waiters = FIFO<Waiter>()
  }

  /// What an owner waits for: one thing at a time.
  struct Wait {
    var ticket: CoordinationTicket
    var key: Key
    var deadline: Int?
  }

  struct Deadline: Comparable {
    var time: Int
    var owner: CoordinationOwner
    var ticket: CoordinationTicket
    static func < (a: Deadline, b: Deadline) -> Bool { a.time < b.time }
    static func == (a: Deadline, b: Deadline) -> Bool { a.time == b.time }
  }

  var objects: [Key: Object] = [:]
  /// What each owner holds, one entry a lease, the oldest first.
  var holdings: [CoordinationOwner: [Key]] = [:]
  var waits: [CoordinationOwner: Wait] = [:]
  /// Those of waits that have ended are skipped.
  var deadlines = Heap<Deadline>()
  /// The layers of graphs that have failed: tasks of theirs may still run, and none of them waits any more.
  var failedLayers: [Range<Int>] = []
  /// Tasks that were cancelled, until their graphs are over: the same holds for them.
  var cancelledTasks: Set<TaskID> = []

  package init() {}

  /// How many wait.
  package var waitCount: Int { waits.count }

  // MARK: Requests

  /// Answers a request, now or later.
  package mutating func handle(_ request: CoordinationRequest, at now: Int, into actions: inout [Action]) {
    do throws(MusterError) {
      let key = try admit(request)
      switch request.operation {
      case .acquire: try acquire(key, request, at: now, into: &actions)
      case .release: try release(key, request, at: now, into: &actions)
      case .set, .clear, .awaitSet, .isSet: try handleEvent(key, request, at: now, into: &actions)
      case .put, .get, .count: try handleQueue(key, request, at: now, into: &actions)
      case .assign, .read: try handleVariable(key, request, at: now, into: &actions)
      }
    } catch {
      actions.append(.answer(request.ticket, .failed(error)))
    }
  }

  /// Looks up the object, and makes it at its first use.
  private mutating func admit(_ request: CoordinationRequest) throws(MusterError) -> Key {
    let object = request.object
    let key = Key(kind: object.kind, name: object.name)
    if waits[request.owner] != nil {
      throw MusterError(.internal, "\(request.ownerName) asks for \(object.text) while it waits for something else")
    }
    if let known = objects[key]?.definition {
      guard known == object else { throw Self.mismatch(known, object) }
      return key
    }
    if object.kind == .semaphore, object.limit < 1 {
      throw MusterError(
        .invalidArgument, "\(object.text) has the limit \(object.limit)", fix: "Use a limit of at least 1")
    }
    if object.kind == .queue, object.limit < 0 {
      throw MusterError(
        // 0 stands for none, and the least number for 0.
        .invalidArgument, "\(object.text) has the capacity \(object.limit == .min ? 0 : object.limit)",
        fix: "Use a capacity of at least 1, or none for a queue without bound")
    }
    objects[key] = Object(definition: object)
    return key
  }

  private static func mismatch(_ known: CoordinationObject, _ object: CoordinationObject) -> MusterError {
    func text(_ object: CoordinationObject) -> String {
      var parts: [String] = []
      if !object.valueType.isEmpty { parts.append("values of type \(object.valueType)") }
      if object.kind == .semaphore { parts.append("the limit \(object.limit)") }
      if object.kind == .queue { parts.append(object.limit > 0 ? "the capacity \(object.limit)" : "no bound") }
      return parts.joined(separator: " and ")
    }
    return MusterError(
      .invalidArgument, "\(object.text) is used with \(text(object)), and was used with \(text(known)) before",
      fix: "Use the same everywhere, or another name")
  }

  // MARK: Waiting

  /// Has an owner wait behind those who wait already.
  mutating func wait(_ request: CoordinationRequest, for key: Key, at now: Int) throws(MusterError) {
    if isBarred(request.owner) { throw Self.cancelled(request.object) }
    if let timeout = request.timeout, timeout <= 0 {
      throw timedOut(key, owner: request.owner, after: 0, at: now)
    }
    let deadline = request.timeout.map { now + $0 }
    if deadline == nil, let deadlock = deadlock(of: request.owner, named: request.ownerName, for: key) {
      throw deadlock
    }
    waits[request.owner] = Wait(ticket: request.ticket, key: key, deadline: deadline)
    if let deadline {
      deadlines.insert(Deadline(time: deadline, owner: request.owner, ticket: request.ticket))
    }
    objects[key]!.waiters.append(
      Waiter(
        ticket: request.ticket, owner: request.owner, name: request.ownerName, operation: request.operation, since: now)
    )
  }

  /// The one who has waited longest, who waits no more.
  mutating func nextWaiter(for key: Key) -> Waiter? {
    guard let waiter = objects[key]!.waiters.popFirst() else { return nil }
    waits[waiter.owner] = nil
    return waiter
  }

  static func cancelled(_ object: CoordinationObject) -> MusterError {
    MusterError(.cancelled, "a task waited for \(object.text), and was cancelled, or its graph has failed")
  }
}
