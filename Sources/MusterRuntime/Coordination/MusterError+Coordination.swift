/// The kinds of error that tasks meet when they coordinate.
extension MusterError.Code {
  /// A wait that could never end: all who could end it wait themselves. The message names the tasks and what they hold.
  public static let deadlock = MusterError.Code("deadlock")
  /// A task released a lock, or a semaphore, that it doesn't hold.
  public static let notHeld = MusterError.Code("notHeld")
  /// The call belongs in a task, on the thread that runs it.
  public static let notInTask = MusterError.Code("notInTask")
}
