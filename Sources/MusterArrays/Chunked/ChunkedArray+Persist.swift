public import MusterRuntime
internal import MusterScheduling

extension ChunkedArray: Persistable {
  /// The same array, its chunks kept by workers. For use by `persist`.
  public func persisted(_ tasks: PersistedTasks) -> ChunkedArray {
    ChunkedArray(expression.persisted(tasks))
  }
}

extension AnyChunkedArray: Persistable {
  /// The same array, its chunks kept by workers. For use by `persist`.
  public func persisted(_ tasks: PersistedTasks) -> AnyChunkedArray {
    AnyChunkedArray(expression.persisted(tasks))
  }
}

extension ArrayExpression {
  fileprivate func persisted(_ tasks: PersistedTasks) -> ArrayExpression {
    derived(
      Derivation(elementType: elementType, grid: grid, operation: KeptOperation(kept: tasks.kept)), number: tasks.number
    )
  }
}

extension ArrayExpression {
  /// The tasks behind it, where workers keep its blocks.
  var kept: KeptTasks? { (operation as? KeptOperation)?.kept }
}

/// An array whose blocks workers keep.
struct KeptOperation: ArrayOperation {
  let kept: KeptTasks

  var name: String { "persist" }
  var operands: [ArrayExpression] { [] }

  func lower(_ node: ArrayExpression, in lowering: Lowering) throws -> BlockFunction {
    BlockFunction(
      layer: lowering.add(kept: kept.tasks), grid: node.grid, elementType: node.elementType, name: name,
      callSite: node.callSite)
  }
}
