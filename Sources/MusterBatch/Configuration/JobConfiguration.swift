internal import Foundation
internal import Yams

/// The description of a job as it is put together: a file, the file that it is based on, and what a command's options say
/// over and above.
public struct JobConfiguration: Sendable {
  /// What has been said up to now; nothing is checked but each value by itself.
  public private(set) var description = JobDescription()
  /// Where it was said, by key, and how many keys had been said before.
  private var places: [String: (place: BatchError.Place, order: Int)] = [:]
  private var saidCount = 0

  /// The keys that a configuration may have, each with its section: `job.walltime`.
  public static var keys: [String] {
    ConfigurationKey.sections.flatMap { section in section.keys.map { "\(section.name).\($0.name)" } }
  }

  /// Nothing said yet.
  public init() {}

  /// The description, checked as a whole.
  ///
  /// - Throws: `BatchError` that names what doesn't fit, with its place.
  public func checked() throws(BatchError) -> JobDescription {
    try placing { job throws(BatchError) in
      try job.check()
      return job
    }
  }

  /// Does something with the description. An error that is about values of it gets the place of the one that was said last.
  ///
  /// - Throws: what `body` throws, with its place.
  public func placing<R>(_ body: (JobDescription) throws(BatchError) -> R) throws(BatchError) -> R {
    do {
      return try body(description)
    } catch {
      guard error.place == nil else { throw error }
      var error = error
      error.place = error.keys.compactMap { places[$0] }.max { $0.order < $1.order }?.place
      throw error
    }
  }

  /// Reads a file, after the one that its key `base` names.
  ///
  /// - Throws: `BatchError` with the file and the line.
  public mutating func read(_ path: String) throws(BatchError) { try read(path, within: []) }

  private mutating func read(_ path: String, within outer: [String]) throws(BatchError) {
    let standard = URL(fileURLWithPath: path).standardizedFileURL.path
    guard !outer.contains(standard) else {
      throw BatchError(.syntax, "\(path) is based on itself, by way of \(outer.joined(separator: ", "))")
    }
    let text: String
    do {
      text = try String(contentsOfFile: path, encoding: .utf8)
    } catch {
      throw BatchError(
        .unreadableFile, "the configuration \(path) can't be read: \(error.localizedDescription)",
        fix: "cluster-configs has those that come with Muster")
    }
    try read(text, from: path, within: outer + [standard])
  }

  /// Reads what a file says.
  ///
  /// - Parameter path: The file's path: messages name it, and `base` is relative to its folder.
  public mutating func read(_ text: String, from path: String) throws(BatchError) {
    try read(text, from: path, within: [])
  }

  private mutating func read(_ text: String, from path: String, within outer: [String]) throws(BatchError) {
    guard let root = try Self.compose(text, source: path) else { return }
    guard case .mapping(let sections) = root else {
      throw BatchError(
        .syntax, "a configuration has sections: \(Self.sectionNames)",
        at: ConfigurationValue.place(of: root, in: path))
    }
    if let base = sections.first(where: { $0.key.scalar?.string == "base" })?.value {
      let name = try ConfigurationValue(key: "base", node: base, source: path).text()
      let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
      do {
        try read(name.hasPrefix("/") ? name : folder.appendingPathComponent(name).relativePath, within: outer)
      } catch {
        // A file that can't be read has no line of its own.
        throw error.place != nil
          ? error
          : BatchError(error.code, error.message, fix: error.fix, at: ConfigurationValue.place(of: base, in: path))
      }
    }
    for (key, value) in sections {
      let name = key.scalar?.string ?? ""
      guard name != "base" else { continue }
      guard let section = ConfigurationKey.sections.first(where: { $0.name == name }) else {
        throw Self.unknown(
          "section '\(name)'", among: ConfigurationKey.sections.map(\.name) + ["base"],
          at: ConfigurationValue.place(of: key, in: path))
      }
      guard case .mapping(let entries) = value else {
        throw BatchError(
          .syntax, "\(name) is a section: lines of `key: value`, indented",
          at: ConfigurationValue.place(of: value, in: path))
      }
      var said: [String: BatchError.Place] = [:]
      for (entry, value) in entries {
        let entryName = entry.scalar?.string ?? ""
        guard let known = section.keys.first(where: { $0.name == entryName }) else {
          throw Self.unknown(
            "key '\(entryName)' in \(name)", among: section.keys.map(\.name),
            at: ConfigurationValue.place(of: entry, in: path))
        }
        said[entryName] = ConfigurationValue.place(of: entry, in: path)
        try set(known, ConfigurationValue(key: "\(name).\(entryName)", node: value, source: path))
      }
      try Self.expectOneShape(said)
    }
  }

  /// What is said twice would be decided by the order of the lines.
  private static func expectOneShape(_ said: [String: BatchError.Place]) throws(BatchError) {
    guard let place = said["shape"] else { return }
    for key in ["nodes", "ranks-per-node", "cores-per-rank"] where said[key] != nil {
      throw BatchError(
        .invalidValue, "shape says what \(key) says", fix: "Leave out one of them", at: said[key] ?? place)
    }
  }

  /// Sets what an option of a command says, as `job.walltime=2h` or, in the section `job`, `walltime=2h`.
  ///
  /// - Parameter option: How it was given, for messages: `--walltime`.
  public mutating func set(_ path: String, to text: String, option: String) throws(BatchError) {
    let parts = path.split(separator: ".", maxSplits: 1).map(String.init)
    let (sectionName, name) = parts.count == 2 ? (parts[0], parts[1]) : ("job", path)
    let place = BatchError.Place(source: option)
    guard let section = ConfigurationKey.sections.first(where: { $0.name == sectionName }) else {
      throw Self.unknown(
        "section '\(sectionName)'", among: ConfigurationKey.sections.map(\.name), at: place)
    }
    guard let known = section.keys.first(where: { $0.name == name }) else {
      throw Self.unknown("key '\(name)' in \(sectionName)", among: section.keys.map(\.name), at: place)
    }
    let node = try Self.node(text, option: option)
    try set(known, ConfigurationValue(key: "\(sectionName).\(name)", node: node, source: option))
  }

  private mutating func set(_ key: ConfigurationKey, _ value: ConfigurationValue) throws(BatchError) {
    try key.set(&description, value)
    saidCount += 1
    let said = value.key == "job.shape" ? ["job.nodes", "job.ranks-per-node", "job.cores-per-rank"] : [value.key]
    for key in said { places[key] = (value.place, saidCount) }
  }

  /// A list or a section is written as in a file, `[a, b]` or `{A: b}`; what else there is, is text as it stands.
  private static func node(_ text: String, option: String) throws(BatchError) -> Node {
    switch text.first {
    case "[": return try compose(text, source: option) ?? Node("")
    // `{name}.out` is the name of a file.
    case "{": return (try? compose(text, source: option)) ?? Node(text)
    default: return Node(text)
    }
  }

  private static var sectionNames: String {
    (ConfigurationKey.sections.map(\.name) + ["base"]).joined(separator: ", ")
  }

  private static func unknown(_ what: String, among known: [String], at place: BatchError.Place) -> BatchError {
    BatchError(.unknownKey, "there is no \(what)", fix: "There are \(known.joined(separator: ", "))", at: place)
  }

  private static func compose(_ text: String, source: String) throws(BatchError) -> Node? {
    func fault(_ problem: String, _ line: Int?) -> BatchError {
      BatchError(
        .syntax,
        "this isn't YAML: \(problem)"
          + (problem.contains("cannot start any token")
            ? "; a tab? It takes spaces, and quotes around text with signs" : ""),
        at: BatchError.Place(source: source, line: source.hasPrefix("--") ? nil : line))
    }
    do {
      return try Yams.compose(yaml: text)
    } catch let error as YamlError {
      switch error {
      case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
        .composer(_, let problem, let mark, _):
        throw fault(problem, mark.line)
      case .duplicatedKeysInMapping(let names, let context):
        throw fault("\(names.sorted().joined(separator: ", ")) is there twice in a section", context.mark.line)
      default: throw fault("\(error)", nil)
      }
    } catch {
      throw fault("\(error)", nil)
    }
  }
}
