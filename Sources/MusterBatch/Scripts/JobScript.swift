/// A script for a batch system: lines, each with the reason for it.
public struct JobScript: Hashable, Sendable {
  /// A line of the script.
  public struct Line: Hashable, Sendable {
    /// What the line says.
    public var text: String
    /// Why it's there; empty where that is plain.
    public var reason: String
  }

  /// The lines, from the first.
  public private(set) var lines: [Line] = []

  init() {}

  mutating func add(_ text: String, _ reason: String = "") { lines.append(Line(text: text, reason: reason)) }

  mutating func gap() { if lines.last?.text != "" { add("") } }

  /// The script as text; `explaining`, with the reason for each line above it.
  public func text(explaining: Bool = false) -> String {
    lines.map { line in
      let indent = line.text.prefix { $0 == " " }
      return (explaining && !line.reason.isEmpty ? "\(indent)# \(line.reason)\n" : "") + line.text + "\n"
    }.joined()
  }

  /// The file that a script goes into is named so: `slurm`, `pbs` or `sh`.
  public static func fileExtension(of system: BatchSystem) -> String { system == .local ? "sh" : system.rawValue }
}

extension JobDescription {
  /// The file that a submitted job writes its output to, as far as it is known then.
  ///
  /// - Parameters:
  ///   - id: The job's number.
  ///   - command: The program and its arguments, whose name the job has where it has none of its own.
  /// - Returns: a path, relative to the folder of the submission, with `{index}` for that of an array's job.
  public func outputFile(ofJob id: String, running command: [String]) -> String {
    let name = name ?? ShellText.name(ofProgram: command.first ?? "job")
    let number = PBSText.number(id).filter(\.isNumber)
    if cluster.system == .pbs, output == nil { return "\(name).o\(number)" + (array == nil ? "" : ".{index}") }
    return (output ?? defaultOutput).replacing("{name}", with: name).replacing("{id}", with: number)
  }

  /// The file that it writes its errors to, as `outputFile`; nil where they go to its output.
  public func errorFile(ofJob id: String, running command: [String]) -> String? {
    guard let error else { return nil }
    let name = name ?? ShellText.name(ofProgram: command.first ?? "job")
    return error.replacing("{name}", with: name).replacing("{id}", with: PBSText.number(id).filter(\.isNumber))
  }

  /// The program's journal, as `outputFile`; nil without one.
  func journalFile(running command: [String]) -> String? {
    journal?.replacing("{name}", with: name ?? ShellText.name(ofProgram: command.first ?? "job"))
  }

  /// Under SLURM, whose own default says no name.
  var defaultOutput: String { array == nil ? "{name}-{id}.out" : "{name}-{id}-{index}.out" }

  /// The script that runs a program on as many ranks as the job has.
  ///
  /// - Parameters:
  ///   - system: The batch system; nil for that of the cluster.
  ///   - command: The program and its arguments, taken as they are.
  /// - Throws: `BatchError`, also where the batch system can't do what the description says.
  public func script(for system: BatchSystem? = nil, running command: [String]) throws(BatchError) -> JobScript {
    var job = self
    guard let system = system ?? job.cluster.system else {
      throw BatchError(
        .missingValue, "the batch system isn't said",
        fix: "Name a configuration (--config, before the --), or say slurm, pbs or local")
    }
    if let own = cluster.system, own != system {
      throw BatchError(
        .unsupported, "the configuration is for \(own.rawValue), and the script is to be for \(system.rawValue)",
        fix: "Choose a configuration for \(system.rawValue)", of: "cluster.system")
    }
    job.cluster.system = system
    guard let program = command.first, !program.isEmpty else {
      throw BatchError(.missingValue, "the program is missing", fix: "Give it, with its arguments, after --")
    }
    try job.check()
    let shape = try job.shape()
    let writer = ScriptWriter(job: job, shape: shape, command: command)
    switch system {
    case .slurm: return try writer.slurm()
    case .pbs: return try writer.pbs()
    case .local: return try writer.local()
    }
  }
}
