public import MusterRuntime
internal import MusterScheduling

extension ChunkedArray: GraphValue {
  /// What the array is within a graph: a task for each of its chunks. Its value is all of it, in memory.
  public func reader(adding sources: inout GraphSources) -> ChunkedArrayReader<Element> {
    sources.append(ArrayPart(expression: expression))
    return ChunkedArrayReader(expression: expression)
  }
}

extension AnyChunkedArray: GraphValue {
  /// What the array is within a graph: a task for each of its chunks. Its value is all of it, in memory.
  public func reader(adding sources: inout GraphSources) -> AnyChunkedArrayReader {
    sources.append(ArrayPart(expression: expression))
    return AnyChunkedArrayReader(expression: expression)
  }
}

/// Puts an array together.
public struct ChunkedArrayReader<Element: ArrayElement>: GraphReader {
  let expression: ArrayExpression

  /// The whole array, of the blocks of its chunks.
  public func read(_ blocks: inout BlockReader) throws -> NDArray<Element> { NDArray(try expression.assemble(&blocks)) }
}

/// Puts an array together whose element type is known at run time.
public struct AnyChunkedArrayReader: GraphReader {
  let expression: ArrayExpression

  /// The whole array, of the blocks of its chunks.
  public func read(_ blocks: inout BlockReader) throws -> AnyNDArray { try expression.assemble(&blocks) }
}

extension ArrayExpression {
  /// The whole array, of the blocks of its chunks.
  fileprivate func assemble(_ reader: inout BlockReader) throws -> AnyNDArray {
    let parts = (0..<grid.count).map { chunk in
      let next = reader.next()
      guard let block = next as? AnyNDArray else {
        preconditionFailure("a block of an array is a \(type(of: next))")
      }
      return (origin: grid.region(of: chunk).origin, block: block)
    }
    return try .assemble(shape: shape, elementType: elementType, parts: parts)
  }
}

/// An array among the values of a graph.
struct ArrayPart: PlanPart {
  var expression: ArrayExpression

  var session: Session { expression.session }
  var number: Int { expression.number }
  var identity: ObjectIdentifier { ObjectIdentifier(expression) }

  var taskCount: Int { expression.grid.count }
  var kept: KeptTasks? { expression.kept }

  static func lower(_ parts: [any PlanPart], into plan: inout Plan) throws -> [[TaskID]] {
    let expressions = parts.map { part in
      guard let part = part as? ArrayPart else { preconditionFailure("a part of another kind: \(type(of: part))") }
      return part.expression
    }
    let lowering = try Lowering(expressions, keepRoots: true, adding: plan)
    let tasks = try expressions.map { expression in
      let layer = try lowering.layer(of: expression)
      return (0..<expression.grid.count).map { TaskID(layer: layer, index: $0) }
    }
    plan = lowering.plan
    return tasks
  }
}

extension ChunkedArray {
  /// How many nodes `compute()` lowers; for tests of sharing.
  package func nodeCount() throws -> Int { try Lowering([expression], keepRoots: true).nodes.count }

  /// The plan that `compute()` runs; for tests of fusion.
  package func loweredPlan() throws -> Plan { try session.plan(for: self) }
}
