package import MusterScheduling
internal import MusterUnits

/// Whether a task can run within a worker's memory at all.
package enum TaskFit {
  /// The error of a task that can't, or nil where it can: its inputs have to be in memory together, with what it makes.
  ///
  /// - Parameters:
  ///   - inputBytes: What its inputs hold, each counted once.
  ///   - outputBytes: What it is expected to make; 0 where that isn't known.
  ///   - marks: What a task may take.
  package static func error(
    task: TaskID, of layer: Layer, rank: Int, attempt: Int, inputBytes: Int, outputBytes: Int,
    marks: BlockStore.Marks
  ) -> MusterError? {
    let (bytes, isTooLarge) = max(0, inputBytes).addingReportingOverflow(max(0, outputBytes))
    guard marks.taskLimit > 0, isTooLarge || bytes > marks.taskLimit else { return nil }
    let name = "\(layer.tasks.name)[\(task.index)]"
    let size = isTooLarge ? "more bytes than there are addresses" : "\(ByteSize.text(bytes)) (\(bytes) bytes)"
    let needs =
      switch (inputBytes > 0, outputBytes > 0) {
      case (true, true):
        "its inputs hold \(ByteSize.text(inputBytes)) and it makes \(ByteSize.text(outputBytes)), \(size) together"
      case (false, true): "it makes \(size)"
      default: "its inputs hold \(size)"
      }
    let limit = marks.processLimit
    let program = marks.programBytes > 0 ? "; the program takes \(ByteSize.text(marks.programBytes)) itself" : ""
    return MusterError(
      .outOfMemory,
      "task \(name) can't fit: \(needs)"
        + ", and the worker's memory limit is \(ByteSize.text(limit)) (\(limit) bytes)\(program)",
      fix:
        "Use smaller chunks or values, or fewer to a task, or a higher limit (MUSTER_MEMORY_LIMIT or SessionConfiguration.memoryLimit) where there is"
        + " the memory",
      task: MusterError.TaskDescription(
        operation: layer.tasks.name, index: Int(task.index), rank: rank, attempt: attempt),
      callSite: layer.callSite)
  }
}
