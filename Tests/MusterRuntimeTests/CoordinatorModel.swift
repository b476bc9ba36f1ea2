import MusterRuntime

/// What a coordinator is to do, written as plainly as possible: every request stands in a line, and the first of a line is
/// served when it can be.
struct CoordinatorModel {
  enum Outcome: Equatable {
    case done
    case isSet(Bool)
    case count(Int)
    case value([UInt8])
    case failed(MusterError.Code)

    init(_ answer: CoordinationAnswer) {
      switch answer {
      case .done: self = .done
      case .isSet(let isSet): self = .isSet(isSet)
      case .count(let count): self = .count(count)
      case .value(let value): self = .value(value)
      case .failed(let error): self = .failed(error.code)
      }
    }
  }

  struct Standing {
    var request: CoordinationRequest
    var deadline: Int?
  }

  struct Object {
    var leases = 0
    var holders: [CoordinationOwner] = []
    var isSet = false
    var room = Int.max
    var items: [[UInt8]] = []
    var value: [UInt8]?
    var line: [Standing] = []
    /// Those who wait to put stand in a line of their own.
    var putLine: [Standing] = []
  }

  var objects: [CoordinationObject: Object] = [:]
  var failedLayers: Set<Int> = []
  var cancelled: Set<CoordinationOwner> = []
  var outcomes: [Int: Outcome] = [:]

  mutating func ask(_ request: CoordinationRequest, at now: Int) {
    let name = request.object
    let number = request.ticket.number
    if objects[name] == nil {
      objects[name] = Object(
        leases: name.kind == .lock ? 1 : name.limit, room: name.kind == .queue && name.limit > 0 ? name.limit : .max)
    }
    switch request.operation {
    case .release:
      if let place = objects[name]!.holders.firstIndex(of: request.owner) {
        objects[name]!.holders.remove(at: place)
        outcomes[number] = .done
      } else {
        outcomes[number] = .failed(.notHeld)
      }
    case .set:
      objects[name]!.isSet = true
      outcomes[number] = .done
    case .clear:
      objects[name]!.isSet = false
      outcomes[number] = .done
    case .isSet: outcomes[number] = .isSet(objects[name]!.isSet)
    case .count: outcomes[number] = .count(objects[name]!.items.count)
    case .assign(let value):
      objects[name]!.value = value
      outcomes[number] = .done
    case .acquire where name.kind == .lock && objects[name]!.holders == [request.owner]:
      outcomes[number] = .failed(.deadlock)
    case .put: objects[name]!.putLine.append(Standing(request: request, deadline: request.timeout.map { now + $0 }))
    default: objects[name]!.line.append(Standing(request: request, deadline: request.timeout.map { now + $0 }))
    }
    settle(name)
    guard outcomes[number] == nil else { return }
    if cancelled.contains(request.owner) || request.owner.ownLayer.map(failedLayers.contains) == true {
      drop(.cancelled) { $0.ticket == request.ticket }
    } else if request.timeout == 0 {
      drop(.timedOut) { $0.ticket == request.ticket }
    } else if request.timeout == nil, stuck.contains(request.owner) {
      drop(.deadlock) { $0.ticket == request.ticket }
    }
  }

  private mutating func settle(_ name: CoordinationObject) {
    while true {
      var object = objects[name]!
      if let first = object.putLine.first, object.items.count < object.room,
        case .put(let item) = first.request.operation
      {
        object.items.append(item)
        object.putLine.removeFirst()
        outcomes[first.request.ticket.number] = .done
      } else if let first = object.line.first {
        let number = first.request.ticket.number
        switch first.request.operation {
        case .acquire where object.holders.count < object.leases:
          object.holders.append(first.request.owner)
          outcomes[number] = .done
        case .awaitSet where object.isSet: outcomes[number] = .done
        case .get where !object.items.isEmpty: outcomes[number] = .value(object.items.removeFirst())
        case .read where object.value != nil: outcomes[number] = .value(object.value!)
        default: return
        }
        object.line.removeFirst()
      } else {
        return
      }
      objects[name] = object
    }
  }

  /// Owners that wait for ever for each other: of those who wait without a timeout for a lock or a lease, what is left
  /// when all are taken away for whom somebody that isn't among them may release one.
  private var stuck: Set<CoordinationOwner> {
    var awaited: [CoordinationOwner: CoordinationObject] = [:]
    for (name, object) in objects where name.kind == .lock || name.kind == .semaphore {
      for standing in object.line where standing.deadline == nil { awaited[standing.request.owner] = name }
    }
    while true {
      let hopeful = awaited.filter { _, name in objects[name]!.holders.contains { awaited[$0] == nil } }
      if hopeful.isEmpty { return Set(awaited.keys) }
      for owner in hopeful.keys { awaited[owner] = nil }
    }
  }

  private mutating func drop(_ code: MusterError.Code?, _ matches: (CoordinationRequest) -> Bool) {
    for name in objects.keys {
      for standing in objects[name]!.line + objects[name]!.putLine where matches(standing.request) {
        if let code { outcomes[standing.request.ticket.number] = .failed(code) }
      }
      objects[name]!.line.removeAll { matches($0.request) }
      objects[name]!.putLine.removeAll { matches($0.request) }
    }
  }

  mutating func timePassed(at now: Int) {
    let over = objects.values.flatMap { $0.line + $0.putLine }.filter { $0.deadline.map { $0 <= now } ?? false }
    let tickets = Set(over.map(\.request.ticket))
    drop(.timedOut) { tickets.contains($0.ticket) }
  }

  mutating func ended(_ owners: [CoordinationOwner], tellsWaiters: Bool) {
    drop(tellsWaiters ? .cancelled : nil) { owners.contains($0.owner) }
    for name in objects.keys {
      objects[name]!.holders.removeAll { owners.contains($0) }
      settle(name)
    }
  }

  mutating func graphFailed(_ layer: Int) {
    failedLayers.insert(layer)
    drop(.cancelled) { $0.owner.ownLayer == layer }
  }

  mutating func cancelled(_ owner: CoordinationOwner) {
    cancelled.insert(owner)
    drop(.cancelled) { $0.owner == owner }
  }

  mutating func withdraw(_ ticket: CoordinationTicket) {
    drop(.internal) { $0.ticket == ticket }
  }
}

extension CoordinationOwner {
  var ownLayer: Int? {
    guard case .task(_, let task, _) = self else { return nil }
    return Int(task.layer)
  }

  var ownRank: Int {
    guard case .task(let rank, _, _) = self else { return 0 }
    return rank
  }
}
