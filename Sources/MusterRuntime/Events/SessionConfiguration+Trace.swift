extension SessionConfiguration {
  /// How many events a thread may be told to keep: 56 bytes each.
  private static let largestTraceCapacity = 1 << 24

  /// How many events each thread keeps; nil where nothing is traced.
  var traceCapacity: Int? { trace == nil ? nil : traceEvents ?? TraceRecorder.defaultCapacity }

  /// Fills the settings of the trace from the environment.
  mutating func resolveTrace(with environment: [String: String]) throws(MusterError) {
    if let trace, trace.isEmpty {
      throw MusterError(
        .invalidArgument, "SessionConfiguration.trace is an empty path",
        fix: "Name a file, such as trace.json, or leave it out")
    }
    if trace == nil, let path = environment["MUSTER_TRACE"], !path.isEmpty { trace = path }
    let fix = "Use a whole number from 1 to \(Self.largestTraceCapacity)"
    if traceEvents == nil, let text = environment["MUSTER_TRACE_EVENTS"], !text.isEmpty {
      guard let count = Int(text), (1...Self.largestTraceCapacity).contains(count) else {
        throw MusterError(.invalidArgument, "MUSTER_TRACE_EVENTS is '\(text)'", fix: fix)
      }
      traceEvents = count
    }
    if let traceEvents, !(1...Self.largestTraceCapacity).contains(traceEvents) {
      throw MusterError(.invalidArgument, "SessionConfiguration.traceEvents is \(traceEvents)", fix: fix)
    }
  }
}
