internal import MusterScheduling

/// For tests: whether a store agrees with itself.
extension BlockStore {
  /// Recomputes everything that is kept up to date from what it's derived from. O(blocks + consumers).
  package func checkInvariants() throws {
    func expect(_ condition: Bool, _ message: @autoclosure () -> String) throws {
      if !condition { throw WorkerInvariantViolation(description: message()) }
    }
    var (memory, leaving, pinned, spilled, possible) = (0, 0, 0, 0, 0)
    var pins: [TaskID: UInt32] = [:]
    for demand in demands.values where demand.isLetIn {
      for input in demand.inputs { pins[input, default: 0] += 1 }
    }
    var (few, staying) = (0, 0)
    for (task, block) in small {
      few += block.byteCount
      try expect(isSmall(block.byteCount) && entries[task] == nil, "\(task) isn't small, or is here twice")
    }
    for (task, entry) in entries {
      try expect(!isSmall(entry.byteCount), "\(task) is too small for disks")
      if entry.block != nil || entry.phase.isReading { memory += entry.byteCount } else { spilled += entry.byteCount }
      if entry.mustStay { staying += entry.byteCount }
      if entry.pins > 0 { pinned += entry.byteCount }
      try expect(
        entry.pins == pins[task] ?? 0, "\(task) has \(entry.pins) pins, should have \(pins[task] ?? 0)")
      try expect(entry.block != nil || entry.place != nil, "\(task) is neither in memory nor on disk")
      switch entry.phase {
      case .resting:
        try expect(entry.pins == 0 || entry.block != nil, "\(task) is pinned, and on disk only")
      case .writing(let ticket):
        try expect(entry.block != nil && entry.place == nil, "\(task) is being written, and isn't in memory only")
        try expect(operations[ticket]?.task == task, "\(task) is being written by nobody")
        if entry.pins == 0 { leaving += entry.byteCount }
      case .reading(let ticket):
        try expect(entry.block == nil && entry.place != nil, "\(task) is being read, and isn't on disk only")
        try expect(operations[ticket]?.task == task, "\(task) is being read by nobody")
      }
      let isCandidate =
        entry.block != nil && entry.phase == .resting && entry.pins == 0 && !entry.mustStay
      try expect(candidates.contains(task) == isCandidate, "\(task) is wrongly among the candidates, or isn't")
      if isCandidate { possible += entry.byteCount }
    }
    for operation in operations.values where operation.isAbandoned {
      memory += operation.byteCount
      if operation.place == nil { leaving += operation.byteCount }
    }
    memory += droppingBytes
    leaving += droppingBytes
    try expect(memory == entryBytes, "entryBytes is \(entryBytes), should be \(memory)")
    try expect(few == smallBytes, "smallBytes is \(smallBytes), should be \(few)")
    try expect(staying == stayingBytes, "stayingBytes is \(stayingBytes), should be \(staying)")
    try expect(leaving == leavingBytes, "leavingBytes is \(leavingBytes), should be \(leaving)")
    try expect(pinned == pinnedBytes, "pinnedBytes is \(pinnedBytes), should be \(pinned)")
    try expect(spilled == spilledBytes, "spilledBytes is \(spilledBytes), should be \(spilled)")
    try expect(possible == candidateBytes, "candidateBytes is \(candidateBytes), should be \(possible)")
    try expect(candidates.allSatisfy { entries[$0] != nil }, "a candidate isn't here")
    let admitted = demands.values.filter(\.isLetIn)
    try expect(admitted.count == letInCount, "\(letInCount) are let in, should be \(admitted.count)")
    let members = demands.count { if case .member = $0.key { $0.value.isLetIn } else { false } }
    try expect(members == membersLetIn, "\(membersLetIn) members are let in, should be \(members)")
    let idle = admitted.count(where: \.isIdle)
    try expect(idle == idleCount, "\(idleCount) wait for others, should be \(idle)")
    let reserved = admitted.reduce(transit.takenBytes) { $0 + $1.outputBytes }
    try expect(reserved == reservedBytes, "reservedBytes is \(reservedBytes), should be \(reserved)")
    for (consumer, demand) in demands where demand.isLetIn {
      let missing = demand.inputs.count { entries[$0].map(\.phase.isReading) ?? false }
      try expect(missing == demand.missing, "\(consumer) misses \(demand.missing), should be \(missing)")
    }
    var coding = CodingRoom(limit: marks.processLimit)
    for entry in entries.values { coding.add(entry.codingBytes) }
    try expect(
      coding == self.coding, "\(self.coding.byteCount) bytes are left to write one block, should be \(coding.byteCount)"
    )
    try expect(lost.keys.allSatisfy { entries[$0] == nil }, "a lost block is here")
    if spillError == nil && marks.limit > 0 {
      let staying = memoryBytes + reservedBytes - leavingBytes
      try expect(
        staying <= min(marks.high, room) || candidateBytes < marks.smallestBatch,
        "\(staying) bytes stay beyond the mark, though \(candidateBytes) could leave")
    }
    try expect(
      letInCount > idleCount || leavingBytes > 0 || transit.takenBytes > 0
        || !demands.values.contains(where: \.isWaiting),
      "somebody waits, and nothing is going on")
  }
}
