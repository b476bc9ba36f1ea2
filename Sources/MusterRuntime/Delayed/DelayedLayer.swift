/// The values of many tasks of one function, by index, made by `Session.layer`. Nothing runs before a collective needs it.
///
/// What a delayed value is for one task, a layer is for many: it takes the same memory and time to build however many
/// tasks it has. For programs whose tasks form steps of like ones, such as those of a stencil:
///
///     var row = session.layer(width) { point in initialValue(at: point) }
///     for _ in 0..<steps {
///       row = session.layer(width, of: row) { max(0, $0 - 1)...min(width - 1, $0 + 1) } run: { point, near in
///         relax(near)
///       }
///     }
///     let values = try await row.compute()
///
/// Immutable. What several others take is computed once in each collective, and of a layer only the tasks that are needed.
public struct DelayedLayer<Value: Sendable>: GraphValue {
  let node: LayerNode

  /// How many values there are.
  public var count: Int { node.count }

  /// Some of the values: a layer of those, in the order of the indices given.
  ///
  /// - Precondition: the indices are in `0 ..< count`.
  public subscript<Indices: Sequence<Int>>(indices: Indices) -> DelayedLayer {
    let chosen = Array(indices)
    precondition(chosen.allSatisfy { $0 >= 0 && $0 < count }, "an index is beyond the layer's \(count) values")
    var digest = Fingerprint()
    for index in chosen { digest.fold(index) }
    let number = node.session.record(
      Call(
        operation: "select",
        detail: "\(chosen.count) of call \(node.number + 1), \(String(digest.low >> 32, radix: 16))"))
    return DelayedLayer(node: LayerNode(selecting: chosen, of: node, number: number))
  }

  /// What it is within a graph: a task for each value.
  public func reader(adding sources: inout GraphSources) -> ListReader<DelayedReader<Value>> {
    sources.append(LayerPart(node: node))
    return ListReader(count: count, same: DelayedReader(), each: [])
  }

  /// Computes the values. Collective: every rank gets them.
  ///
  /// - Throws: `MusterError`, the same on every rank: what the function of a task threw, as `taskFailed` where it wasn't a
  ///   `MusterError`, with the task and the call that made the layer; `invalidArgument` where an input isn't there.
  public func compute(file: StaticString = #fileID, line: UInt = #line) async throws -> [Value] {
    try await node.session.compute(one: self, at: SourcePlace(file: file, line: line))
  }
}

extension DelayedLayer: Persistable {
  /// The same values, kept by workers. For use by `persist`.
  public func persisted(_ tasks: PersistedTasks) -> DelayedLayer {
    DelayedLayer(node: LayerNode(node, kept: tasks.kept, number: tasks.number))
  }
}

extension Session {
  /// Puts a function off for each index of a range: as many tasks, which take nothing.
  ///
  /// Every rank has to make the same calls in the same order. The function runs on any rank and thread, perhaps more than
  /// once; it has to give the same value each time, and what it captures has to be the same on every rank.
  ///
  /// - Parameters:
  ///   - count: the number of tasks, in `0 ..< 2^32 - 1`.
  ///   - name: what messages, progress and pictures call them.
  ///   - body: the function of a task's index. Its value has to be of a type that can cross to other ranks; see `delayed`.
  /// - Returns: the values that they will yield.
  public func layer<Value: Sendable>(
    _ count: Int, name: String = "layer", file: StaticString = #fileID, line: UInt = #line,
    _ body: @escaping @Sendable (_ index: Int) throws -> Value
  ) -> DelayedLayer<Value> {
    makeLayer(count, name: name, of: nil, at: SourcePlace(file: file, line: line), inputs: nil) {
      ValueBlock(try body($0.index))
    }
  }

  /// Puts a function off for each index of a range: as many tasks, which take values of a layer made before.
  ///
  /// - Parameters:
  ///   - count: the number of tasks, in `0 ..< 2^32 - 1`.
  ///   - previous: the layer whose values they take.
  ///   - name: what messages, progress and pictures call them.
  ///   - inputs: the indices of the values that the task with an index takes, the same on every rank. Called when the
  ///     layer is made and while it runs.
  ///   - body: the function of a task's index and of those values, in the order of their indices. Its value has to be of a
  ///     type that can cross to other ranks; see `delayed`.
  /// - Returns: the values that they will yield.
  /// - Complexity: O(inputs).
  public func layer<Input: Sendable, Indices: Sequence<Int>, Value: Sendable>(
    _ count: Int, of previous: DelayedLayer<Input>, name: String = "layer", file: StaticString = #fileID,
    line: UInt = #line, inputs: @escaping @Sendable (_ index: Int) -> Indices,
    run body: @escaping @Sendable (_ index: Int, _ inputs: [Input]) throws -> Value
  ) -> DelayedLayer<Value> where Indices: SendableMetatype, Indices.Iterator: SendableMetatype {
    makeLayer(
      count, name: name, of: previous.node, at: SourcePlace(file: file, line: line)
    ) { index, add in
      for input in inputs(index) { add(input) }
    } run: { task in
      var reader = BlockReader(task.blocks)
      let values = try ListReader(count: task.blocks.count, same: DelayedReader<Input>(), each: []).read(&reader)
      return ValueBlock(try body(task.index, values))
    }
  }

  private func makeLayer<Value: Sendable>(
    _ count: Int, name: String, of previous: LayerNode?, at place: SourcePlace, inputs: LayerNode.Inputs?,
    run: @escaping @Sendable (TaskInputs) throws -> ValueBlock<Value>
  ) -> DelayedLayer<Value> {
    var failure: MusterError?
    var digest = Fingerprint()
    digest.fold(count)
    if count < 0 || count >= Int(UInt32.max) {
      failure = MusterError(
        .invalidArgument, "\(name): a layer can't have \(count) tasks", fix: "Give a number in 0 ..< \(UInt32.max)",
        callSite: place.callSite)
    } else if let previous, let inputs {
      // Ranks compare which tasks take which, and what isn't there is known before anything runs.
      var mixed: UInt64 = 0
      for index in 0..<count {
        inputs(index) { input in
          mixed = (mixed ^ UInt64(bitPattern: Int64(input))) &* 0x9E37_79B9_7F4A_7C15
          mixed ^= mixed >> 29
          guard failure == nil, input < 0 || input >= previous.count else { return }
          failure = MusterError(
            .invalidArgument,
            "\(name)[\(index)] takes value \(input) of a layer that has \(previous.count): \(previous.kind.name)",
            fix: "Give indices in 0 ..< \(previous.count)", callSite: place.callSite)
        }
        mixed = mixed &* 3 &+ 1
      }
      digest.fold(mixed)
    }
    let sources = previous.map { CallSources([.part(PartNode(LayerPart(node: $0)))]) } ?? CallSources()
    let (kind, number) = recordFunction(
      name, yielding: ValueBlock<Value>.self, at: place, sources: sources,
      detail: "\(count) tasks, inputs \(String(digest.low >> 32, radix: 16))")
    return DelayedLayer(
      node: LayerNode(
        session: self, kind: kind, number: number, count: max(0, count), previous: previous, inputs: inputs,
        failure: failure ?? kind.failure, run: { try run($0) }))
  }
}
