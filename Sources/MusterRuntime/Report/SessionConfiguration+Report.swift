extension SessionConfiguration {
  /// Takes from the environment where the report goes, unless it's set.
  ///
  /// - Throws: `MusterError` with code `invalidArgument`.
  mutating func resolveReport(with environment: [String: String]) throws(MusterError) {
    if let report, report.isEmpty {
      throw MusterError(
        .invalidArgument, "SessionConfiguration.report is an empty path",
        fix: "Name a file, such as report.txt, or '-' for standard error, or leave it out")
    }
    if report == nil, let path = environment["MUSTER_REPORT"], !path.isEmpty { report = path }
  }
}
