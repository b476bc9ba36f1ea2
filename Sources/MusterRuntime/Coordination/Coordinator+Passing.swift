/// Events, queues and variables, by which tasks tell each other something.
extension Coordinator {
  mutating func handleEvent(
    _ key: Key, _ request: CoordinationRequest, at now: Int, into actions: inout [Action]
  ) throws(MusterError) {
    let isSet = objects[key]!.isSet
    switch request.operation {
    case .awaitSet where !isSet: return try wait(request, for: key, at: now)
    case .isSet:
      actions.append(.answer(request.ticket, .isSet(isSet)))
      return
    case .set:
      objects[key]!.isSet = true
    case .clear:
      objects[key]!.isSet = false
    default: break
    }
    actions.append(.answer(request.ticket, .done))
    guard objects[key]!.isSet else { return }
    while let waiter = nextWaiter(for: key) { actions.append(.answer(waiter.ticket, .done)) }
  }

  mutating func handleQueue(
    _ key: Key, _ request: CoordinationRequest, at now: Int, into actions: inout [Action]
  ) throws(MusterError) {
    let limit = objects[key]!.definition.limit
    switch request.operation {
    case .put(let item):
      if limit > 0, objects[key]!.items.count >= limit { return try wait(request, for: key, at: now) }
      actions.append(.answer(request.ticket, .done))
      // Who waits, of a queue that isn't full, waits to get: the queue is empty.
      if let getter = nextWaiter(for: key) {
        actions.append(.answer(getter.ticket, .value(item)))
      } else {
        objects[key]!.items.append(item)
      }
    case .get:
      guard let item = objects[key]!.items.popFirst() else { return try wait(request, for: key, at: now) }
      actions.append(.answer(request.ticket, .value(item)))
      if let putter = nextWaiter(for: key), case .put(let next) = putter.operation {
        objects[key]!.items.append(next)
        actions.append(.answer(putter.ticket, .done))
      }
    default:
      actions.append(.answer(request.ticket, .count(objects[key]!.items.count)))
    }
  }

  mutating func handleVariable(
    _ key: Key, _ request: CoordinationRequest, at now: Int, into actions: inout [Action]
  ) throws(MusterError) {
    if case .assign(let value) = request.operation {
      objects[key]!.value = value
      actions.append(.answer(request.ticket, .done))
      while let reader = nextWaiter(for: key) { actions.append(.answer(reader.ticket, .value(value))) }
    } else if let value = objects[key]!.value {
      actions.append(.answer(request.ticket, .value(value)))
    } else {
      try wait(request, for: key, at: now)
    }
  }
}
