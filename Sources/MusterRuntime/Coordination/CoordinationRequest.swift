package import MusterScheduling

/// Something that tasks coordinate by: what it is, its name, and what every use of it has to agree on.
package struct CoordinationObject: Hashable, Sendable {
  package enum Kind: UInt8, Sendable, BitwiseCopyable {
    case lock, semaphore, event, queue, variable
  }

  package var kind: Kind
  package var name: String
  /// The leases of a semaphore; the items that a queue has room for, 0 where there is no bound; else 0.
  package var limit: Int
  /// The type of a queue's or a variable's values; else empty.
  package var valueType: String

  package init(_ kind: Kind, _ name: String, limit: Int = 0, valueType: String = "") {
    self.kind = kind
    self.name = name
    self.limit = limit
    self.valueType = valueType
  }

  /// As messages name it: `lock "results"`.
  package var text: String { "\(kind) \"\(name)\"" }
}

/// Who asks.
package enum CoordinationOwner: Hashable, Sendable {
  /// The program, outside of tasks: the same on every rank, so it asks once.
  case program
  /// One attempt at a task.
  case task(rank: Int, TaskID, Attempt)

  var rank: Int {
    switch self {
    case .program: 0
    case .task(let rank, _, _): rank
    }
  }

  /// nil for the program.
  package var task: TaskID? {
    switch self {
    case .program: nil
    case .task(_, let task, _): task
    }
  }
}

/// Which of a rank's requests an answer is for.
package struct CoordinationTicket: Hashable, Sendable {
  package var rank: Int
  package var number: Int

  package init(rank: Int, number: Int) {
    self.rank = rank
    self.number = number
  }
}

/// What a task, or the program, asks of a coordinator.
package struct CoordinationRequest: Sendable {
  package enum Operation: Hashable, Sendable {
    // Locks and semaphores
    case acquire, release
    // Events
    case set, clear, awaitSet, isSet
    // Queues
    case put([UInt8])
    case get, count
    // Variables
    case assign([UInt8])
    case read
  }

  package var ticket: CoordinationTicket
  package var owner: CoordinationOwner
  /// The owner in messages: `count[3] on rank 2`.
  package var ownerName: String
  package var object: CoordinationObject
  package var operation: Operation
  /// How long to wait, in nanoseconds from when the request comes; nil for as long as it takes.
  package var timeout: Int?

  package init(
    ticket: CoordinationTicket, owner: CoordinationOwner, ownerName: String, object: CoordinationObject,
    operation: Operation, timeout: Int? = nil
  ) {
    self.ticket = ticket
    self.owner = owner
    self.ownerName = ownerName
    self.object = object
    self.operation = operation
    self.timeout = timeout
  }
}

/// What a coordinator answers, once for each request.
package enum CoordinationAnswer: Sendable, Equatable {
  case done
  case isSet(Bool)
  case count(Int)
  case value([UInt8])
  case failed(MusterError)
}
