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
    var sources = GraphSources()
    let readers = (repeat (each inputs).reader(adding: &sources))
    // The node alone holds the nodes that it depends on: it lets go of them link by link.
    return Delayed(
      node: putOff(
        name, yielding: ValueBlock<Value>.self, of: sources, at: SourcePlace(file: file, line: line), detail: ""
      ) { blocks in
        ValueBlock(try body(repeat (each readers).read(&blocks)))
      })
  }

  /// Puts a function of no inputs off: see `delayed` of any number. The compiler makes code for the very types of those
  /// with few inputs, not of any number, and programs put off many of them.
  @inlinable
  public func delayed<Value: Sendable>(
    name: String = "delayed", file: StaticString = #fileID, line: UInt = #line,
    _ body: @escaping @Sendable () throws -> Value
  ) -> Delayed<Value> {
    Delayed(
      node: putOff(
        name, yielding: ValueBlock<Value>.self, of: GraphSources(), at: SourcePlace(file: file, line: line), detail: ""
      ) { _ in
        ValueBlock(try body())
      })
  }

  /// Puts a function of one input off: see `delayed` of any number.
  @inlinable
  public func delayed<Input: GraphValue, Value: Sendable>(
    _ input: Input, name: String = "delayed", file: StaticString = #fileID, line: UInt = #line,
    _ body: @escaping @Sendable (Input.Value) throws -> Value
  ) -> Delayed<Value> {
    var sources = GraphSources()
    let reader = input.reader(adding: &sources)
    return Delayed(
      node: putOff(
        name, yielding: ValueBlock<Value>.self, of: sources, at: SourcePlace(file: file, line: line), detail: ""
      ) { blocks in
        ValueBlock(try body(try reader.read(&blocks)))
      })
  }

  /// Puts a function of two inputs off: see `delayed` of any number.
  @inlinable
  public func delayed<First: GraphValue, Second: GraphValue, Value: Sendable>(
    _ first: First, _ second: Second, name: String = "delayed", file: StaticString = #fileID, line: UInt = #line,
    _ body: @escaping @Sendable (First.Value, Second.Value) throws -> Value
  ) -> Delayed<Value> {
    var sources = GraphSources()
    let (one, two) = (first.reader(adding: &sources), second.reader(adding: &sources))
    return Delayed(
      node: putOff(
        name, yielding: ValueBlock<Value>.self, of: sources, at: SourcePlace(file: file, line: line), detail: ""
      ) { blocks in
        let (a, b) = (try one.read(&blocks), try two.read(&blocks))
        return ValueBlock(try body(a, b))
      })
  }

  /// Puts off a function that yields a block, for the compiler's code in programs.
  @usableFromInline
  func putOff(
    _ name: String, yielding type: any FunctionBlock.Type, of sources: GraphSources, at place: SourcePlace,
    detail: String, run: @escaping @Sendable (inout BlockReader) throws -> any Block
  ) -> DelayedNode {
    let (kind, number) = recordFunction(
      name, yielding: type, at: place, sources: CallSources(sources.all), detail: detail)
    return DelayedNode(session: self, kind: kind, number: number, inputs: sources.all, run: run)
  }

  /// Puts off a function that takes nothing but what it has captured.
  func putOff<Value: Sendable>(
    _ name: String, at place: SourcePlace, contents: String?, _ body: @escaping @Sendable () throws -> Value
  ) -> DelayedNode {
    putOff(
      name, yielding: ValueBlock<Value>.self, of: GraphSources(), at: place,
      detail: contents.map { "contents \($0)" } ?? ""
    ) { _ in ValueBlock(try body()) }
  }

  /// Puts off a function of one value, at a place that is known in words.
  func delayed<Input: GraphValue, Value: Sendable>(
    _ input: Input, name: String, callSite: CallSite, _ body: @escaping @Sendable (Input.Value) throws -> Value
  ) -> Delayed<Value> {
    var sources = GraphSources()
    let reader = input.reader(adding: &sources)
    let kind = FunctionKind(name: name, callSite: callSite, blockType: ValueBlock<Value>.self)
    let number = record(Call(kind.call, sources: CallSources(sources.all)))
    return Delayed(
      node: DelayedNode(session: self, kind: kind, number: number, inputs: sources.all) { blocks in
        ValueBlock(try body(reader.read(&blocks)))
      })
  }
}
