/// Letting go of tasks of graphs that nothing needs any more.
extension TaskTable {
  /// Forgets the tasks from `first` on, with the layers from a slot on, which are theirs. Nothing before them consumes
  /// them: graphs build on earlier ones only.
  mutating func truncate(to first: Int, slots: Int) {
    for task in first..<count {
      for edge in inputRange(of: task) where Int(inputs[edge]) < first {
        let input = inputs[edge]
        while let last = lateConsumers[input]?.last, Int(last) >= first { lateConsumers[input]?.removeLast() }
        if lateConsumers[input]?.isEmpty == true {
          lateConsumers[input] = nil
          records[Int(input)].flags.remove(.late)
        }
      }
      if records[task].flags.contains(.late) { lateConsumers[UInt32(task)] = nil }
    }
    inputs.removeSubrange(Int(records[first].inputsStart)...)
    consumers.removeSubrange(Int(records[first].consumersStart)...)
    records.removeSubrange(first...)
    while let last = roots.last, Int(last) >= first { roots.removeLast() }
    ordinals.removeLayers(from: slots)
    closeRecords()
  }

  /// Forgets all tasks but those of some graphs, which keep their order. What those are still to consume is among them;
  /// what they have consumed may not be.
  ///
  /// - Parameters:
  ///   - ranges: the ordinals that stay, ascending.
  ///   - slots: the slots that stay, ascending.
  /// - Returns: the new ordinal of each old one; `UInt32.max` for those that are gone.
  mutating func compact(to ranges: [Range<Int>], slots: [Int]) -> ContiguousArray<UInt32> {
    var renumbered = ContiguousArray<UInt32>(repeating: .max, count: count)
    var next: UInt32 = 0
    for range in ranges {
      for task in range {
        renumbered[task] = next
        next += 1
      }
    }
    var newSlots = [Int](repeating: -1, count: ordinals.layerCount)
    for (new, old) in slots.enumerated() { newSlots[old] = new }

    var table = TaskTable()
    table.records.removeLast()
    table.records.reserveCapacity(Int(next) + 1)
    for slot in slots {
      table.ordinals.addLayer(number: Int(ordinals.number(ofSlot: slot)), count: ordinals.count(ofSlot: slot))
    }
    for task in ranges.joined() {
      var record = records[task]
      record.inputsStart = UInt32(table.inputs.count)
      record.consumersStart = UInt32(table.consumers.count)
      record.layer = UInt32(newSlots[Int(record.layer)])
      record.flags.remove(.late)
      if record.state == .failed { record.position = renumbered[Int(record.position)] }
      for edge in inputRange(of: task) where renumbered[Int(inputs[edge])] != .max {
        table.inputs.append(renumbered[Int(inputs[edge])])
      }
      for consumer in consumers(of: task) where renumbered[consumer] != .max {
        table.consumers.append(renumbered[consumer])
      }
      table.ordinals.set(slot: Int(record.layer), index: record.index, to: UInt32(table.records.count))
      table.records.append(record)
    }
    table.closeRecords()
    table.roots = ContiguousArray(roots.lazy.map { renumbered[Int($0)] }.filter { $0 != .max })
    self = table
    return renumbered
  }
}
