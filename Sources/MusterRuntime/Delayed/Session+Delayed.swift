extension Session {
  /// Puts a function off: it will run on some worker when a collective needs its value, or that of a delayed value that
  /// depends on it.
  ///
  /// Every rank has to make the same calls in the same order. The function runs on any rank and thread, perhaps more than
  /// once; it has to give the same value each time, and what it captures has to be the same on every rank.
  ///
  /// - Parameters:
  ///   - inputs: what the function takes: delayed values, arrays, and lists of such. They are computed first, and come
  ///     as what they are then: a `Delayed<Int>` as an `Int`, a `ChunkedArray<Double>` as an `NDArray<Double>` whole in
  ///     memory, a list as a list.
  ///   - name: what messages, progress and pictures call it.
  ///   - body: the function. Its value has to be of a type that can cross to other ranks: numbers and structs of
  ///     numbers, an `NDArray`, and arrays of such, which cross as their bytes; anything `Codable`; or nothing, where it
  ///     is run for its effect. Of another type a collective throws `invalidArgument`, in one process too.
  /// - Returns: the value that it will yield.
  public func delayed<each Input: GraphValue, Value: Sendable>(
    _ inputs: repeat each Input, name: String = "delayed", file: StaticString = #fileID, line: UInt = #line,
    _ body: @escaping @Sendable (repeat (each Input).Value) throws -> Value
  ) -> Delayed<Value> {
    delayed(repeat each inputs, name: name, callSite: CallSite(file: file, line: line), body)
  }

  func delayed<each Input: GraphValue, Value: Sendable>(
    _ inputs: repeat each Input, name: String, contents: String? = nil, callSite: CallSite,
    _ body: @escaping @Sendable (repeat (each Input).Value) throws -> Value
  ) -> Delayed<Value> {
    var sources: [GraphSource] = []
    for input in repeat each inputs { sources += input.operand.sources }
    // The node alone holds the nodes that it depends on: it lets go of them link by link.
    let reads = (repeat (each inputs).operand.read)
    let detail = contents.map { "contents \($0)" } ?? sources.calls
    let number = record(name, elementType: "\(Value.self)", detail: detail, callSite: callSite)
    return Delayed<Value>(
      node: DelayedNode(
        session: self, name: name, callSite: callSite, number: number, blockType: ValueBlock<Value>.self,
        failure: Self.refusal(of: Value.self, name: name, callSite: callSite), inputs: sources
      ) { reader in
        let values = (repeat try (each reads)(&reader))
        return ValueBlock(try body(repeat each values))
      })
  }

  /// Why a value of the type can't be that of a delayed function; nil where it can.
  private static func refusal<Value>(of type: Value.Type, name: String, callSite: CallSite) -> MusterError? {
    guard ValueWay(type) == nil else { return nil }
    return MusterError(
      .invalidArgument, "\(name): a value of type \(Value.self) can't cross to another rank",
      fix: "Make \(Value.self) Codable, or yield a struct that is instead of a tuple", callSite: callSite)
  }
}
