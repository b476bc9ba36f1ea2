/// What is wrong with the description of a job, or with the file that it comes from.
public struct BatchError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kinds of error. New ones may come: switch with a default.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    /// The name of the kind, as in the source: `unknownKey`.
    public var description: String
    init(_ name: String) { description = name }

    /// A file can't be read.
    public static let unreadableFile = Code("unreadableFile")
    /// A file isn't YAML, or a section of it isn't made as it should be.
    public static let syntax = Code("syntax")
    /// There is no such key; the fix lists those that there are.
    public static let unknownKey = Code("unknownKey")
    /// A value that isn't one of the key's; the fix says which are.
    public static let invalidValue = Code("invalidValue")
    /// Something that the cluster wants to be told is missing.
    public static let missingValue = Code("missingValue")
    /// What no node, or not this cluster, has: more ranks than cores, more memory than a node's.
    public static let impossibleShape = Code("impossibleShape")
    /// The batch system, or the launcher, can't do it; the fix says what to do instead.
    public static let unsupported = Code("unsupported")
    /// A command of the batch system isn't installed.
    public static let commandNotFound = Code("commandNotFound")
    /// A command of the batch system didn't answer in time, nor when asked again.
    public static let timedOut = Code("timedOut")
    /// The batch system refused; the message holds what it said.
    public static let refused = Code("refused")
    /// The batch system knows no such job, or doesn't any more.
    public static let unknownJob = Code("unknownJob")
    /// As many jobs are queued as the configuration allows.
    public static let queueFull = Code("queueFull")
    /// A file can't be written.
    public static let unwritableFile = Code("unwritableFile")
  }

  /// Where in a file, or among a command's options, a value stands.
  public struct Place: Hashable, Sendable, CustomStringConvertible {
    /// The file's path, or the option as it was given.
    public var source: String
    /// The line, from 1; nil for an option.
    public var line: Int?

    /// A line of a file, or an option.
    public init(source: String, line: Int? = nil) {
      self.source = source
      self.line = line
    }

    /// `cluster.yaml:12`, or `--walltime`.
    public var description: String { source + (line.map { ":\($0)" } ?? "") }
  }

  /// What kind of thing is wrong.
  public var code: Code
  /// What is wrong, naming the key and the value.
  public var message: String
  /// What to do about it: the valid choices, or another way.
  public var fix: String
  /// Where it is wrong; nil for a description that was made in a program.
  public var place: Place?

  /// The keys of a configuration that it is about.
  var keys: [String] = []

  /// An error with a kind and a message.
  public init(_ code: Code, _ message: String, fix: String = "", at place: Place? = nil) {
    self.code = code
    self.message = message
    self.fix = fix
    self.place = place
  }

  /// One that is about keys of a configuration: `JobConfiguration` knows their places.
  init(_ code: Code, _ message: String, fix: String = "", of keys: String...) {
    self.init(code, message, fix: fix)
    self.keys = keys
  }

  /// The place, the message and the fix: one line.
  public var description: String {
    let sentence = message.hasSuffix(".") ? String(message.dropLast()) : message
    return (place.map { "\($0): " } ?? "") + sentence + (fix.isEmpty ? "" : ". \(fix)")
  }
}
