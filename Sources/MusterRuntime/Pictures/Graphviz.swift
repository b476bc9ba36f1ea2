internal import Glibc

/// Writes a picture from text in Graphviz's language, by its program `dot` where that has to draw it.
enum Graphviz {
  private static let textual: Set = ["dot", "gv"]
  private static let drawn = ["svg", "pdf", "png"]

  /// - Parameters:
  ///   - text: a graph, in Graphviz's language.
  ///   - path: the file, whose ending says what becomes of it: `.dot` or `.gv` for the text itself, `.svg`, `.pdf` or
  ///     `.png` for a picture.
  /// - Throws: `MusterError` with code `invalidArgument` for another ending, `fileNotFound` where `dot` isn't installed,
  ///   `permissionDenied`, `diskFull` or `inputOutput` where the file can't be written.
  static func write(_ text: String, to path: String) throws(MusterError) {
    let name = path.split(separator: "/").last ?? ""
    let ending = name.contains(".") ? name.split(separator: ".").last.map { $0.lowercased() } ?? "" : ""
    guard textual.contains(ending) || drawn.contains(ending) else {
      throw MusterError(
        .invalidArgument, "\"\(path)\" ends in no kind of picture",
        fix: "Use an ending of .dot for Graphviz's text, or .\(drawn.joined(separator: ", .")) for a picture")
    }
    // What is there stays until the whole of the new file is.
    let partial = "\(path).\(getpid()).partial"
    defer { unlink(partial) }
    if textual.contains(ending) {
      try put(text, to: partial, meaning: path)
    } else {
      let source = "\(partial).dot"
      defer { unlink(source) }
      try put(text, to: source, meaning: path)
      try draw(source, as: ending, to: partial, meaning: path)
    }
    guard rename(partial, path) == 0 else { throw failure(of: path, number: errno) }
  }

  private static func put(_ text: String, to path: String, meaning final: String) throws(MusterError) {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard file >= 0 else { throw failure(of: final, number: errno) }
    defer { close(file) }
    var text = text
    let number = text.withUTF8 { FileWriting.write(UnsafeRawBufferPointer($0), to: file) }
    guard number == 0 else { throw failure(of: final, number: number) }
  }

  private static func failure(of path: String, number: Int32) -> MusterError {
    MusterError(
      FileWriting.code(of: number), "the graph can't be written to \"\(path)\": \(String(cString: strerror(number)))",
      fix: "Name a file in a folder that is there, may be written to, and has room")
  }

  private static func draw(
    _ source: String, as kind: String, to path: String, meaning final: String
  ) throws(MusterError) {
    let words: [UnsafeMutablePointer<CChar>?] = ["dot", "-T\(kind)", source, "-o", path].map { (word: String) in
      strdup(word)
    }
    defer { for word in words { free(word) } }
    var process = pid_t()
    let number = posix_spawnp(&process, "dot", nil, nil, words + [nil], environ)
    guard number == 0 else {
      throw MusterError(
        .fileNotFound,
        "the program dot, to draw \"\(final)\" with, can't be started: \(String(cString: strerror(number)))",
        fix:
          "Install Graphviz (Debian: apt-get install graphviz), or write the graph's text to a file that ends in .dot")
    }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 && errno == EINTR {}
    guard status == 0 else {
      throw MusterError(
        .inputOutput, "dot couldn't draw \"\(final)\"; what it said is on standard error",
        fix: "Write the graph's text to a file that ends in .dot, and see what dot makes of it")
    }
  }
}
