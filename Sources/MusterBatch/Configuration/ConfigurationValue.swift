internal import MusterUnits
internal import Yams

/// A value of a configuration, with where it stands: what is asked of it either is so, or is an error that says what the
/// key takes.
struct ConfigurationValue {
  /// The key with its section: `job.walltime`.
  let key: String
  let node: Node
  /// The file, or the option.
  let source: String

  var place: BatchError.Place { Self.place(of: node, in: source) }

  static func place(of node: Node, in source: String) -> BatchError.Place {
    // What an option says is one line.
    BatchError.Place(source: source, line: source.hasPrefix("--") ? nil : node.mark?.line)
  }

  private func invalid(_ takes: String, got: String? = nil, node: Node? = nil) -> BatchError {
    let found = got ?? Self.shown(node ?? self.node)
    return BatchError(
      .invalidValue, "\(key) is \(found), and takes \(takes)", at: Self.place(of: node ?? self.node, in: source))
  }

  private static func shown(_ node: Node) -> String {
    switch node {
    case .scalar(let scalar): scalar.string.isEmpty ? "empty" : "'\(scalar.string)'"
    case .mapping: "a section"
    case .sequence: "a list"
    case .alias: "an alias"
    }
  }

  /// One line of text.
  func text() throws(BatchError) -> String { try text(of: node) }

  private func text(of node: Node) throws(BatchError) -> String {
    guard case .scalar(let scalar) = node, !scalar.string.isEmpty else {
      throw invalid("text; text with `: ` or ` #` in it goes in quotes", node: node)
    }
    if ["null", "~"].contains(scalar.string), scalar.style == .plain || scalar.style == .any {
      throw invalid("text; what the base says can be changed, not taken away", node: node)
    }
    // It goes into a line of a script.
    guard !scalar.string.contains(where: \.isNewline) else {
      throw invalid("text of one line", got: "of several lines", node: node)
    }
    return scalar.string
  }

  /// Lines of shell: a block of text, or a list of lines.
  func lines() throws(BatchError) -> [String] {
    if case .scalar(let scalar) = node {
      return scalar.string.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        .droppingEmptyEnd()
    }
    return try list()
  }

  /// A list of texts; a single text is a list of one.
  func list() throws(BatchError) -> [String] {
    guard case .sequence(let sequence) = node else { return [try text()] }
    var texts: [String] = []
    for element in sequence { texts.append(try text(of: element)) }
    return texts
  }

  /// A list of words; a text is taken apart at its spaces.
  func words() throws(BatchError) -> [String] {
    guard case .sequence = node else { return try text().split(separator: " ").map(String.init) }
    return try list()
  }

  func count(atLeast least: Int) throws(BatchError) -> Int {
    guard case .scalar(let scalar) = node, let number = Int(scalar.string), number >= least,
      number <= JobDescription.most
    else { throw invalid("a whole number from \(least) on, up to \(JobDescription.most)") }
    return number
  }

  func bytes() throws(BatchError) -> Int {
    guard case .scalar(let scalar) = node, let bytes = ByteSize.parse(scalar.string), Int(scalar.string) == nil else {
      throw invalid("a size with its unit: 230 GB (10^9 bytes), 214 GiB or 214G (2^30), 1.5 TB")
    }
    return bytes
  }

  func seconds() throws(BatchError) -> Int {
    guard case .scalar(let scalar) = node, let seconds = Walltime.parse(scalar.string) else {
      throw invalid("a length of time: \(Walltime.forms)")
    }
    return seconds
  }

  func flag() throws(BatchError) -> Bool {
    switch node.scalar?.string {
    case "true", "yes", "on": return true
    case "false", "no", "off": return false
    default: throw invalid("true or false")
    }
  }

  func choice<Choice: RawRepresentable & CaseIterable>(_ type: Choice.Type) throws(BatchError) -> Choice
  where Choice.RawValue == String {
    try choice(of: node)
  }

  private func choice<Choice: RawRepresentable & CaseIterable>(of node: Node) throws(BatchError) -> Choice
  where Choice.RawValue == String {
    guard let choice = node.scalar.flatMap({ Choice(rawValue: $0.string) }) else {
      throw invalid("one of " + Choice.allCases.map(\.rawValue).joined(separator: ", "), node: node)
    }
    return choice
  }

  func choices<Choice: RawRepresentable & CaseIterable>(_ type: Choice.Type) throws(BatchError) -> [Choice]
  where Choice.RawValue == String {
    guard case .sequence(let sequence) = node else { return [try choice(type)] }
    var choices: [Choice] = []
    for element in sequence { choices.append(try choice(of: element)) }
    return choices
  }

  /// Some of the texts that are allowed.
  func list(among allowed: [String]) throws(BatchError) -> [String] {
    let texts = try list()
    if let other = texts.first(where: { !allowed.contains($0) }) {
      throw invalid("some of " + allowed.joined(separator: ", "), got: "'\(other)'")
    }
    return texts
  }

  /// Names with values, such as variables.
  func pairs() throws(BatchError) -> [(name: String, value: String)] {
    guard case .mapping(let mapping) = node else { throw invalid("a section of names with values") }
    var pairs: [(String, String)] = []
    for (name, value) in mapping {
      // An empty value is one, too.
      guard case .scalar(let scalar) = value, !scalar.string.contains(where: \.isNewline) else {
        throw invalid(
          "a text of one line for each name", got: "something else for '\(try text(of: name))'", node: value)
      }
      pairs.append((try text(of: name), scalar.string))
    }
    return pairs
  }

  /// A fault of a value's form.
  func fault(_ takes: String) -> BatchError { invalid(takes) }
}

extension [String] {
  fileprivate func droppingEmptyEnd() -> [String] {
    var lines = self
    while lines.last?.isEmpty == true { lines.removeLast() }
    return lines
  }
}
