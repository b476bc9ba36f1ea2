internal import MusterScheduling

/// What the disk says.
extension BlockStore {
  /// The block has been written.
  package mutating func spilled(_ ticket: Ticket, at place: SpillPlace, into actions: inout [Action]) {
    guard let operation = operations.removeValue(forKey: ticket) else { return }
    if operation.isAbandoned {
      leavingBytes -= operation.byteCount
      drop(operation.block!, operation.byteCount, into: &actions)
      discard(place, into: &actions)
    } else {
      entries[operation.task]!.phase = .resting
      entries[operation.task]!.place = place
      if spillError?.code == .diskFull { spillError = nil }
      if !isPinned(operation.task) {
        leavingBytes -= operation.byteCount
        removeFromMemory(operation.task, into: &actions)
      }
      updateCandidate(operation.task)
    }
    settle(into: &actions)
  }

  /// The block couldn't be written. It stays in memory.
  ///
  /// - Parameter error: With the code `unsupported` it is a matter of this block, else of the disk.
  package mutating func spillFailed(_ ticket: Ticket, _ error: MusterError, into actions: inout [Action]) {
    guard let operation = operations.removeValue(forKey: ticket) else { return }
    if operation.isAbandoned {
      leavingBytes -= operation.byteCount
      drop(operation.block!, operation.byteCount, into: &actions)
    } else {
      entries[operation.task]!.phase = .resting
      if !isPinned(operation.task) { leavingBytes -= operation.byteCount }
      if error.code == .unsupported {
        entries[operation.task]!.mustStay = true
        stayingBytes += operation.byteCount
        stayingReason = error.message
      }
      updateCandidate(operation.task)
    }
    if error.code != .unsupported {
      spillError = error
      if error.code == .diskFull { discardCopies(into: &actions) }
    }
    settle(into: &actions)
  }

  /// Makes room on disk by the copies of blocks that are in memory.
  private mutating func discardCopies(into actions: inout [Action]) {
    for (task, entry) in entries where entry.block != nil && entry.place != nil && entry.phase == .resting {
      entries[task]!.place = nil
      discard(entry.place!, into: &actions)
    }
  }

  /// The block has been read back.
  package mutating func loaded(_ ticket: Ticket, _ block: any Block, into actions: inout [Action]) {
    guard let operation = operations.removeValue(forKey: ticket) else { return }
    if operation.isAbandoned {
      drop(block, operation.byteCount, into: &actions)
      if let place = operation.place { discard(place, into: &actions) }
    } else {
      let task = operation.task
      entries[task]!.block = block
      entries[task]!.phase = .resting
      entries[task]!.age = tick()
      updateCandidate(task)
      for consumer in readers.removeValue(forKey: task) ?? [] {
        demands[consumer]!.missing -= 1
        if demands[consumer]!.missing == 0 { actions.append(.ready(consumer)) }
      }
    }
    settle(into: &actions)
  }

  /// The block couldn't be read back: it is lost.
  package mutating func loadFailed(_ ticket: Ticket, _ error: MusterError, into actions: inout [Action]) {
    guard let operation = operations.removeValue(forKey: ticket) else { return }
    entryBytes -= operation.byteCount
    if let place = operation.place { discard(place, into: &actions) }
    if !operation.isAbandoned {
      let entry = entries.removeValue(forKey: operation.task)!
      coding.remove(entry.codingBytes)
      if entry.pins > 0 { pinnedBytes -= entry.byteCount }
      lost[operation.task] = error
      for consumer in readers.removeValue(forKey: operation.task) ?? [] where demands[consumer] != nil {
        forget(consumer)
        actions.append(.failed(consumer, error))
      }
    }
    settle(into: &actions)
  }
}
