extension MusterError {
  /// An error that a task threw, on its way to every rank.
  struct Cause: Hashable, Sendable, Codable {
    /// The name of its type.
    var type: String
    /// Its `Codable` form.
    var bytes: [UInt8]

    /// nil where the error can't cross.
    init?(_ error: any Error) {
      guard let error = error as? any Codable, let bytes = try? CodedValue.bytes(of: error) else { return nil }
      type = Self.name(of: Swift.type(of: error))
      self.bytes = bytes
    }

    /// With its module, so that two of the same name aren't taken for one. The names of private types and of those
    /// within functions have an address in them, another one in each process: it's left out.
    static func name(of type: any Any.Type) -> String {
      var name = ""
      var rest = String(reflecting: type)[...]
      let mark = "(unknown context at $"
      while let start = rest.firstRange(of: mark), let end = rest[start.upperBound...].firstIndex(of: ")") {
        name += rest[..<start.lowerBound]
        rest = rest[rest.index(after: end)...]
      }
      return name + rest
    }
  }

  /// An error of the program's own code: as it is where it's one of Muster's, else with its type.
  ///
  /// - Parameter words: The message, of the error's text.
  init(
    thrown error: any Error, task: TaskDescription? = nil, callSite: CallSite?, words: (_ text: String) -> String
  ) {
    if var known = error as? MusterError {
      known.task = known.task ?? task
      known.callSite = known.callSite ?? callSite
      self = known
    } else {
      self.init(.taskFailed, words(ErrorText.of(error)), task: task, callSite: callSite)
      cause = Cause(error)
    }
  }

  /// The error that a task of the program, or a function that it gave to `onRoot`, threw, where it was of this type.
  ///
  ///     do {
  ///       try await reading.value()
  ///     } catch let error as MusterError {
  ///       if let missing = error.cause(as: StationMissing.self) { … }
  ///     }
  ///
  /// It comes through its `Codable` form, the same in one process as on ranks; of an error that isn't `Codable` the
  /// description is all that is left, in `message`.
  ///
  /// - Returns: nil where the error was of another type, or none that a task threw.
  public func cause<E: Error & Codable>(as type: E.Type = E.self) -> E? {
    guard let cause, cause.type == Cause.name(of: type) else { return nil }
    return try? CodedValue.value(type, from: cause.bytes)
  }
}
