extension MusterError {
  /// An error that a task threw, on its way to every rank.
  struct Cause: Hashable, Sendable, Codable {
    /// The name of its type.
    var type: String
    /// Its `Codable` form, as JSON.
    var text: [UInt8]

    /// nil where the error can't cross.
    init?(_ error: any Error) {
      guard let error = error as? any Codable, let text = Self.encode(error) else { return nil }
      type = Self.name(of: Swift.type(of: error))
      self.text = text
    }

    private static func encode<E: Codable>(_ error: E) -> [UInt8]? { try? JSON.encode(error) }

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
    return try? JSON.decode(type, from: cause.text)
  }
}
