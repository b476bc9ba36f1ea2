/// Every error that Muster throws. The same value is thrown on every rank.
///
/// `code` says what kind of thing went wrong and is what a program switches on; `message` names the thing, and `fix`
/// says what to do about it. `task` and `callSite` say where it happened, where that is known.
public struct MusterError: Error, Hashable, Sendable, Codable {
  /// What kind of thing went wrong.
  public var code: Code
  /// What is wrong, naming the file, dataset, shapes or rank concerned.
  public var message: String
  /// What to do about it; empty where the message says it already.
  public var fix: String
  /// The task that failed, where the error came out of one.
  public var task: TaskDescription?
  /// The call in the user's program that asked for the operation.
  public var callSite: CallSite?
  /// What a task of the program threw, where that was an error of its own that is `Codable`: see `cause(as:)`.
  var cause: Cause?

  /// An error with a kind and a message; tasks and closures of a program may throw their own.
  ///
  /// Where `task` or `callSite` is left out, Muster fills it in when the error comes out of a task or a collective.
  public init(
    _ code: Code, _ message: String, fix: String = "", task: TaskDescription? = nil, callSite: CallSite? = nil
  ) {
    self.code = code
    self.message = message
    self.fix = fix
    self.task = task
    self.callSite = callSite
  }

  /// The kinds of error. New ones may come: switch with a default.
  public struct Code: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The name of the kind, as in the source: `fileNotFound`.
    public var name: String
    init(_ name: String) { self.name = name }
    /// The name of the kind.
    public var description: String { name }

    // Files
    /// There is no such file or folder.
    public static let fileNotFound = Code("fileNotFound")
    /// The file is there, but isn't HDF5.
    public static let notHDF5 = Code("notHDF5")
    /// The file ends before its contents do, or its structure is damaged.
    public static let damagedFile = Code("damagedFile")
    /// The file has no dataset of that name; the message lists those that it has.
    public static let datasetNotFound = Code("datasetNotFound")
    /// The dataset's element type isn't the one asked for; the message names both.
    public static let elementTypeMismatch = Code("elementTypeMismatch")
    /// The disk, or the quota on it, is full.
    public static let diskFull = Code("diskFull")
    /// Reading or writing isn't allowed there.
    public static let permissionDenied = Code("permissionDenied")
    /// Another failure of reading or writing; the message holds what the system or the library said.
    public static let inputOutput = Code("inputOutput")

    // Arguments
    /// Shapes that don't fit together; the message names both.
    public static let shapeMismatch = Code("shapeMismatch")
    /// A chunk shape with a zero or negative size, or of another number of dimensions than the array.
    public static let invalidChunks = Code("invalidChunks")
    /// An axis that the array doesn't have, the same axis twice, or more axes than dimensions.
    public static let invalidAxis = Code("invalidAxis")
    /// An index or a slice beyond the array.
    public static let indexOutOfRange = Code("indexOutOfRange")
    /// NaN or infinity where the operation can't have them.
    public static let nonFiniteInput = Code("nonFiniteInput")
    /// The algorithm didn't converge.
    public static let notConverged = Code("notConverged")
    /// Another unusable argument or setting.
    public static let invalidArgument = Code("invalidArgument")
    /// Something that Muster can't do; the fix says what to do instead.
    public static let unsupported = Code("unsupported")

    // Running
    /// A closure of the user's threw, or a task failed for a reason of its own.
    public static let taskFailed = Code("taskFailed")
    /// There isn't the memory that a block needs; the message says how much that is.
    public static let outOfMemory = Code("outOfMemory")
    /// The task, or one that it needs, was cancelled; or it waited for another, and its graph failed or the session ended.
    public static let cancelled = Code("cancelled")
    /// The time that was given has passed; where tasks wait for each other the message says who has it.
    public static let timedOut = Code("timedOut")
    /// Tasks that go on past their time limits have taken all threads that a worker may start; the message names them.
    public static let threadsExhausted = Code("threadsExhausted")
    /// The session can't be started as asked, or is used after its end or from two places at once.
    public static let session = Code("session")
    /// The program isn't the one that began its journal; the message names the first call that differs.
    public static let changedProgram = Code("changedProgram")
    /// A fault in Muster itself.
    public static let `internal` = Code("internal")
  }

  /// Where in a graph an error happened.
  public struct TaskDescription: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The name of the operation.
    public var operation: String
    /// The index of the task in its layer (for an array: the number of the chunk in row-major order).
    public var index: Int
    /// The rank that ran it.
    public var rank: Int
    /// Which try at the task it was, from 1.
    public var attempt: Int

    /// The task of an operation, by index, with where and at which try it ran.
    public init(operation: String, index: Int, rank: Int, attempt: Int) {
      self.operation = operation
      self.index = index
      self.rank = rank
      self.attempt = attempt
    }

    /// `mean[3] on rank 2`, and the attempt where it wasn't the first.
    public var description: String {
      "\(operation)[\(index)] on rank \(rank)" + (attempt > 1 ? ", attempt \(attempt)" : "")
    }
  }
}

extension MusterError: CustomStringConvertible, CustomDebugStringConvertible {
  /// The message, the fix, the task and the call site where they are known, and the code in brackets: one line.
  public var description: String {
    var text = message
    if !fix.isEmpty { text += ". " + fix }
    var context: [String] = []
    if let task { context.append("in task \(task)") }
    if let callSite { context.append("asked for at \(callSite)") }
    if !context.isEmpty { text += " (" + context.joined(separator: "; ") + ")" }
    return text + " [\(code)]"
  }

  /// The same as `description`.
  public var debugDescription: String { description }
}
