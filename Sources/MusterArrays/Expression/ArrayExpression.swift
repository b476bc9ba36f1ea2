internal import MusterRuntime

/// A node of the graph behind chunked arrays: what is to be computed, with its shape, chunks and element type.
///
/// Immutable, and built alike on every rank. Misuse that an operator can't throw makes a poisoned node: `failure` holds
/// the first error, which every collective throws.
final class ArrayExpression: Sendable {
  let session: Session
  let elementType: ElementType
  let grid: ChunkGrid
  /// Written in `deinit` alone, of this node or of one that held the last reference to it: nobody else has it then.
  nonisolated(unsafe) private(set) var operation: any ArrayOperation
  let callSite: CallSite?
  let failure: MusterError?
  /// The number of the call that made the node, the same on every rank.
  let number: Int

  var shape: [Int] { grid.shape }
  var byteCount: Int { grid.elementCount * elementType.byteCount }

  private init(
    session: Session, elementType: ElementType, grid: ChunkGrid, operation: any ArrayOperation, callSite: CallSite?,
    failure: MusterError? = nil, number: Int
  ) {
    self.session = session
    self.elementType = elementType
    self.grid = grid
    self.operation = operation
    self.callSite = callSite
    self.failure = failure
    self.number = number
  }

  /// Lets go of a chain of nodes link by link: left to themselves, they would let go of each other within each other,
  /// deeper than a thread's stack.
  deinit {
    var pending = operation.operands
    operation = Released()
    while var node = pending.popLast() {
      guard isKnownUniquelyReferenced(&node) else { continue }
      pending += node.operation.operands
      node.operation = Released()
    }
  }
}

/// The operation of a node that is going.
private struct Released: ArrayOperation {
  var name: String { "released" }
  var operands: [ArrayExpression] { [] }
  func lower(_ node: ArrayExpression, in lowering: Lowering) throws -> BlockFunction {
    throw MusterError(.internal, "a node was lowered that is going")
  }
}

/// What a node computes. Each operation is a value of its own type that knows its operands and how it is lowered.
protocol ArrayOperation: Sendable {
  /// The operation's name, in layers, messages and fingerprints.
  var name: String { get }
  /// The nodes that it reads.
  var operands: [ArrayExpression] { get }
  /// How the blocks of `node` come to be. May add layers to the lowering's plan.
  func lower(_ node: ArrayExpression, in lowering: Lowering) throws -> BlockFunction
}

extension ArrayExpression {
  /// What an operation makes of its operands.
  struct Derivation {
    var elementType: ElementType
    var grid: ChunkGrid
    var operation: any ArrayOperation
  }

  /// A node without operands.
  static func source(
    _ session: Session, elementType: ElementType, grid: ChunkGrid, operation: any ArrayOperation, detail: String = "",
    callSite: CallSite?
  ) -> ArrayExpression {
    let number = session.record(
      operation.name, shape: grid.shape, elementType: elementType.description,
      detail: [detail, grid.summary].filter { !$0.isEmpty }.joined(separator: ", "), callSite: callSite)
    return ArrayExpression(
      session: session, elementType: elementType, grid: grid, operation: operation, callSite: callSite,
      number: number)
  }

  /// A node that isn't recorded: part of an operation that is.
  func derived(_ derivation: Derivation, number: Int? = nil) -> ArrayExpression {
    ArrayExpression(
      session: session, elementType: derivation.elementType, grid: derivation.grid, operation: derivation.operation,
      callSite: callSite, number: number ?? self.number)
  }

  /// A node that stands for an error made where nothing could be thrown.
  static func poisoned(
    _ session: Session, name: String, elementType: ElementType, failure: MusterError, callSite: CallSite?
  ) -> ArrayExpression {
    var failure = failure
    if failure.callSite == nil { failure.callSite = callSite }
    if failure.callSite == nil && !failure.fix.contains("validate()") {
      let hint = "Operators and subscripts can't tell their line: to find it, call validate() behind expressions"
      failure.fix += failure.fix.isEmpty ? hint : ". " + hint
    }
    let number = session.record(
      name, shape: [], elementType: elementType.description, detail: failure.code.name, callSite: callSite)
    return ArrayExpression(
      session: session, elementType: elementType, grid: ChunkGrid(whole: []), operation: Poisoned(name: name),
      callSite: callSite, failure: failure, number: number)
  }

  /// The node that `body` describes, recorded; or a poisoned one, where an operand is poisoned or `body` throws.
  static func derive(
    _ name: String, _ elementType: ElementType, from operands: [ArrayExpression], detail: String = "",
    callSite: CallSite?, _ body: () throws -> Derivation
  ) -> ArrayExpression {
    let session = operands[0].session
    // The first error stays as it is: this call isn't where it was made.
    if let failure = operands.lazy.compactMap(\.failure).first {
      return poisoned(session, name: name, elementType: elementType, failure: failure, callSite: nil)
    }
    do {
      guard operands.allSatisfy({ $0.session === session }) else {
        throw MusterError(
          .session, "\(name): its operands belong to different sessions", fix: "Build them in the same session")
      }
      let derivation = try body()
      // Lengths of operands that were multiplied, or added up.
      try Shapes.check(derivation.grid.shape, operation: name)
      try ChunkGrid.checkCounts(derivation.grid.counts, of: derivation.grid.shape)
      let sources = "of " + operands.map { "call \($0.number + 1)" }.joined(separator: ", ")
      let number = session.record(
        name, shape: derivation.grid.shape, elementType: derivation.elementType.description,
        detail: [detail, sources, derivation.grid.summary].filter { !$0.isEmpty }.joined(separator: ", "),
        callSite: callSite)
      return ArrayExpression(
        session: session, elementType: derivation.elementType, grid: derivation.grid,
        operation: derivation.operation, callSite: callSite, number: number)
    } catch {
      let failure = error as? MusterError ?? MusterError(.internal, "\(name): \(error)")
      return poisoned(session, name: name, elementType: elementType, failure: failure, callSite: callSite)
    }
  }
}

/// The operation of a poisoned node.
private struct Poisoned: ArrayOperation {
  var name: String
  var operands: [ArrayExpression] { [] }
  func lower(_ node: ArrayExpression, in lowering: Lowering) throws -> BlockFunction {
    throw node.failure ?? MusterError(.internal, "a poisoned node without its error")
  }
}
