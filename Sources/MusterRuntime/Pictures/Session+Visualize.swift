extension Session {
  /// Draws the tasks that values need: arrays, delayed values, and lists of such. Collective; nothing is computed, and
  /// rank 0 writes the file.
  ///
  ///     try session.visualize(u, s, to: "svd.svg")
  ///
  /// Arrows go from what is computed first to what takes it, and what is asked for stands out. Beyond 1,000 tasks each
  /// layer is one box, with the number of its tasks. In an SVG the call that asked for a task shows under the pointer.
  ///
  /// - Parameter path: the file: `.svg`, `.pdf` or `.png` for a picture, which takes Graphviz (its program `dot`) on rank
  ///   0; `.dot` or `.gv` for text in Graphviz's language.
  /// - Throws: `MusterError`, the same on every rank: `invalidArgument` for another ending; `fileNotFound` where `dot`
  ///   isn't installed, or there is no such folder; `permissionDenied`, `diskFull` or `inputOutput` where the file
  ///   can't be written; the error that building an array met.
  public func visualize<each G: GraphValue>(
    _ values: repeat each G, to path: String, file: StaticString = #fileID, line: UInt = #line
  ) throws {
    var sources = GraphSources()
    for value in repeat each values { _ = value.reader(adding: &sources) }
    let plan = try GraphLowering.plan(for: sources.all, session: self)
    try onRoot("draw \(path)", callSite: CallSite(file: file, line: line)) {
      try Graphviz.write(GraphPicture(plan).text, to: path)
    }
  }
}
