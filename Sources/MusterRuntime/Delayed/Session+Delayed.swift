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
  ///   - body: the function. What it yields crosses to other ranks as bytes, where it is a number, a struct of numbers or
  ///     an array of such; else by `Codable`.
  /// - Returns: the value that it will yield.
  public func delayed<each Input: GraphValue, Value: Codable & Sendable>(
    _ inputs: repeat each Input, name: String = "delayed", file: StaticString = #fileID, line: UInt = #line,
    _ body: @escaping @Sendable (repeat (each Input).Value) throws -> Value
  ) -> Delayed<Value> {
    delayed(
      repeat each inputs, name: name, callSite: CallSite(file: file, line: line), as: ValueBlock<Value>.self,
      unwrap: { $0.value }
    ) { (values: repeat (each Input).Value) in ValueBlock(value: try body(repeat each values)) }
  }

  /// Puts a function off whose value is nothing but bytes; otherwise as for `Codable` values.
  @_disfavoredOverload
  public func delayed<each Input: GraphValue, Value: BitwiseCopyable & Sendable>(
    _ inputs: repeat each Input, name: String = "delayed", file: StaticString = #fileID, line: UInt = #line,
    _ body: @escaping @Sendable (repeat (each Input).Value) throws -> Value
  ) -> Delayed<Value> {
    delayed(
      repeat each inputs, name: name, callSite: CallSite(file: file, line: line), as: BytesBlock<Value>.self,
      unwrap: { $0.value }
    ) { (values: repeat (each Input).Value) in BytesBlock(value: try body(repeat each values)) }
  }

  /// Puts a function off whose value is a block, such as an `NDArray`; otherwise as for `Codable` values.
  public func delayed<each Input: GraphValue, Value: Block>(
    _ inputs: repeat each Input, name: String = "delayed", file: StaticString = #fileID, line: UInt = #line,
    _ body: @escaping @Sendable (repeat (each Input).Value) throws -> Value
  ) -> Delayed<Value> {
    delayed(
      repeat each inputs, name: name, callSite: CallSite(file: file, line: line), as: Value.self, unwrap: { $0 }, body)
  }

  /// Puts a function off that is run for its effect; otherwise as for `Codable` values.
  @_disfavoredOverload
  public func delayed<each Input: GraphValue>(
    _ inputs: repeat each Input, name: String = "delayed", file: StaticString = #fileID, line: UInt = #line,
    _ body: @escaping @Sendable (repeat (each Input).Value) throws -> Void
  ) -> Delayed<Void> {
    delayed(
      repeat each inputs, name: name, callSite: CallSite(file: file, line: line), as: EmptyBlock.self, unwrap: { _ in }
    ) { (values: repeat (each Input).Value) in
      try body(repeat each values)
      return EmptyBlock()
    }
  }

  // Closures rather than key paths: Swift 6.3 crashes where a key path is made in a function over a parameter pack.
  private func delayed<each Input: GraphValue, B: Block, Value: Sendable>(
    _ inputs: repeat each Input, name: String, callSite: CallSite, as blockType: B.Type,
    unwrap: @escaping @Sendable (B) -> Value, _ body: @escaping @Sendable (repeat (each Input).Value) throws -> B
  ) -> Delayed<Value> {
    var sources: [GraphSource] = []
    for input in repeat each inputs { sources += input.operand.sources }
    // The node alone holds the nodes that it depends on: it lets go of them link by link.
    let reads = (repeat (each inputs).operand.read)
    let calls = sources.map { "call \($0.number + 1)" }.joined(separator: ", ")
    let number = record(name, detail: calls.isEmpty ? "" : "of " + calls, callSite: callSite)
    let node = DelayedNode(
      session: self, name: name, callSite: callSite, number: number, blockType: blockType, inputs: sources
    ) { reader in
      let values = (repeat try (each reads)(&reader))
      return try body(repeat each values)
    }
    return Delayed<Value>(node: node) { block in
      guard let block = block as? B else { preconditionFailure("\(name) yielded a \(type(of: block)), not a \(B.self)") }
      return unwrap(block)
    }
  }
}
